// The variable that holds the secret of UUIDs: one secret, or a list.

import { expect, test } from "vitest";
import {
  importUuidKey,
  importUuidKeys,
  isSignedByAny,
  mintUuid,
  readSigningSecrets,
} from "../../protocol/index.ts";

const [old, next] = ["an old secret that is long enough", "the next secret that is long enough"] as const;

test.each([
  ["one secret", old, [old]],
  ["one secret with commas and spaces", "a, secret, with, commas, of, 40 characters", undefined],
  ["a list of one", JSON.stringify([old]), [old]],
  ["a list, in its order", JSON.stringify([next, old]), [next, old]],
])("%s is read", (_, text, secrets) => {
  expect(readSigningSecrets(text)).toEqual({ ok: true, secrets: secrets ?? [text] });
});

test.each([
  ["nothing", undefined, "at least 32 characters"],
  ["an empty text", "", "at least 32 characters"],
  ["a short one", "short", "at least 32 characters"],
  ["a list with a short one", JSON.stringify([old, "short"]), "in each secret of its list"],
  ["an empty list", "[]", "no list of secrets"],
  ["a list that is cut", JSON.stringify([old, next]).slice(0, -1), "no list of secrets"],
  ["a list of something else", JSON.stringify([old, 1]), "no list of secrets"],
  ["a list of five", JSON.stringify(Array(5).fill(old)), "more than 4"],
])("%s is refused, in words without a secret in them", (_, text, problem) => {
  const read = readSigningSecrets(text);
  expect(read).toEqual({ ok: false, problem: expect.stringContaining(problem) as string });
  expect(JSON.stringify(read)).not.toContain(old);
});

test("what any secret of the list has signed is ours, and what another one has is not", async () => {
  const mintedBy = async (secret: string) =>
    mintUuid(Date.now(), crypto.getRandomValues(new Uint8Array(6)), await importUuidKey(secret));
  const keys = await importUuidKeys(JSON.stringify([next, old]));
  for (const secret of [old, next]) expect(await isSignedByAny(await mintedBy(secret), keys)).toBe(true);
  expect(await isSignedByAny(await mintedBy("a third secret that is long enough"), keys)).toBe(false);
  expect(await isSignedByAny(await mintedBy(old), [])).toBe(false);
});
