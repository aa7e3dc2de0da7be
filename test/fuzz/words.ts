// How a property is written, and values as the worst of clients send them.

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { encodeText } from "../../protocol/index.ts";
import type { Property } from "../support/fuzz-seed.ts";

export function holds<T>(
  title: string,
  arbitrary: fc.Arbitrary<T>,
  predicate: (value: T) => boolean | Promise<boolean>,
): Property {
  return {
    title,
    check: async (numRuns, seed) =>
      fc.assert(
        fc.asyncProperty(arbitrary, async (value) => predicate(value)),
        { numRuns, seed },
      ),
  };
}

/** `JSON.stringify` that is only looked at. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
export const equalBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;

/** Text, as it comes from the worst of clients. */
export const nasty = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "\0",
  "\r\n",
  "\n",
  "\ud800",
  "\udfff",
  "\u202e",
  "\u2028",
  "\ufeff",
  "%00",
  "%zz",
  "..",
  "/",
  "*",
  "?",
  "-1",
  "NaN",
  "1e309",
  "0x10",
  "9".repeat(20),
  " ",
  "\t",
  '"',
  "\\",
  ",",
  ";",
  "=",
);
export const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  nasty,
  fc.array(fc.oneof(nasty, fc.string())).map((parts) => parts.join("")),
);
export const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), text.map(encodeText));
export const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});
