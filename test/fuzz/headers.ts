// Preferences and keys, whatever a client sends.

import * as fc from "fast-check";
import { readClientKey } from "../../worker/http/idempotency-key.ts";
import { preferenceApplied, readPreferences } from "../../worker/http/preferences.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { holds, same, text, nasty } from "./words.ts";

const preferWords = fc.constantFrom(
  "wait",
  "respond-async",
  "=",
  "=10",
  "=-1",
  ",",
  ";",
  " ",
  '"',
  "\\",
  "wait=5",
  "respond-async=false",
  "handling=lenient",
  'a="b,c"',
);
const prefer = fc.oneof(
  text,
  fc.array(fc.oneof(preferWords, nasty)).map((words) => words.join("")),
);
export const headersOf = (entries: Readonly<Record<string, string>>): Headers =>
  ({ get: (name: string) => entries[name.toLowerCase()] ?? null }) as unknown as Headers;
const keyed = { idempotencyKey: "optional", clientCorrelationIdAsKey: false } as const;

export const headers: readonly Property[] = [
  holds("any Prefer is a number of whole seconds and a yes or no", prefer, (header) => {
    const { respondAsync, waitSeconds } = readPreferences(header);
    return (
      typeof respondAsync === "boolean" &&
      (waitSeconds === undefined ||
        (Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= 2 ** 31))
    );
  }),
  holds("what is said of an applied Prefer reads as the same Prefer", prefer, (header) => {
    const read = readPreferences(header);
    return same(readPreferences(preferenceApplied(read) ?? null), read);
  }),
  holds("any Idempotency-Key is a key of at most 255 characters, or refused with a word", text, (header) => {
    const read = readClientKey(headersOf({ "idempotency-key": header }), keyed, true);
    if (read.status === "key") return read.key.length >= 16 && read.key.length <= 255;
    return read.status === "unusable" && read.why !== "";
  }),
  holds("a key in quotes is that key", fc.stringMatching(/^[ !#-[\]-~]{16,255}$/), (key) => {
    const read = readClientKey(headersOf({ "idempotency-key": `"${key}"` }), keyed, true);
    return read.status === "key" && read.key === key;
  }),
];
