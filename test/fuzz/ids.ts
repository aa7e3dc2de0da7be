// Any text is the ID of a waiter, or none.

import * as fc from "fast-check";
import {
  correlationIdForm,
  importUuidKey,
  mintUuid,
  partitionForKey,
  verifyUuid,
  type CorrelationId,
} from "../../protocol/index.ts";
import { findWaiter, type WaiterNamespace } from "../../worker/exchange/correlation-id.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { bytes, holds, text, nasty } from "./words.ts";

export const hexId = fc.stringMatching(/^[0-9a-f]{64}$/);
export const idText = fc.oneof(
  text,
  hexId,
  hexId.map((id) => id.toUpperCase()),
  fc.uuid(),
  fc.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  fc.tuple(hexId, nasty).map(([id, more]) => id + more),
);
const uuidSecret = "a secret of the fuzzing that is long enough";
const signingKey = importUuidKey(uuidSecret);

/** Has minted what ends in 00. */
const standIn: WaiterNamespace<string> = {
  newUniqueId: () => "0".repeat(64),
  idFromName: (name) => `named ${name}`,
  idFromString: (hex) => {
    if (!/^[0-9a-f]{62}00$/.test(hex)) throw new TypeError("not of this namespace");
    return hex;
  },
};

export const ids: readonly Property[] = [
  holds("any text is the ID of a form, in lower case, or none", idText, (each) => {
    const read = correlationIdForm(each);
    return (
      read === undefined || (read.id === each.toLowerCase() && correlationIdForm(read.id)?.form === read.form)
    );
  }),
  holds("any text finds a waiter of this namespace, or none", idText, async (each) => {
    const found = await findWaiter(each, standIn, uuidSecret);
    if (found === undefined) return true;
    return found.correlationId.length === 64
      ? found.waiterId.endsWith("00")
      : verifyUuid(found.correlationId as CorrelationId, await signingKey);
  }),
  holds(
    "a minted UUID is verified in any case, and not with one digit changed",
    fc.tuple(fc.nat(2 ** 48 - 1), fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.nat(35)),
    async ([now, random, at]) => {
      const id = await mintUuid(now, random, await signingKey);
      const changed =
        id[at] === "-" ? undefined : `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
      const [found, forged] = await Promise.all([
        findWaiter(id.toUpperCase(), standIn, uuidSecret),
        changed === undefined ? undefined : findWaiter(changed, standIn, uuidSecret),
      ]);
      return found?.correlationId === id && forged === undefined;
    },
  ),
  holds(
    "any key has a partition that there is",
    fc.tuple(bytes, fc.integer({ min: 1, max: 1_000 })),
    ([key, count]) => {
      const partition = partitionForKey(key, count);
      return Number.isInteger(partition) && partition >= 0 && partition < count;
    },
  ),
];
