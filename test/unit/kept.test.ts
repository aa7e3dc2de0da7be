// Whether a key leads to an exchange that is there, and under which of its IDs.

import { describe, expect, test } from "vitest";
import type { AttachOutcome } from "../../protocol/index.ts";
import { isKept, whichIsKept } from "../../worker/exchange/kept.ts";

const waiting: AttachOutcome = { status: "waiting", createdAt: 1, deadlineAt: 2 };
const expired: AttachOutcome = { status: "expired", deadlineAt: 2 };
const gone: AttachOutcome = { status: "gone" };

const attachedTo = (outcome: AttachOutcome | "lost") => () => ({
  attach: async () => {
    if (outcome === "lost") throw new Error("the object is out of reach");
    return outcome;
  },
});

test.each([
  ["waits", waiting, true],
  ["has expired", expired, false],
  ["is gone", gone, false],
  ["is out of reach", "lost", false],
] as const)("an exchange that %s", async (_, outcome, kept) => {
  expect(await isKept(attachedTo(outcome), "")).toBe(kept);
});

describe("of several waiters", () => {
  const which = (outcomes: Readonly<Record<string, AttachOutcome | "lost">>) =>
    whichIsKept(Object.keys(outcomes), (name) => attachedTo(outcomes[name] ?? "lost"), "");

  test("the one that has the exchange is found, whatever has become of it", async () => {
    expect(await which({ a: gone, b: waiting })).toBe("b");
    expect(await which({ a: expired, b: gone })).toBe("a");
  });

  test("one that is found counts, though another is out of reach", async () => {
    expect(await which({ a: "lost", b: waiting })).toBe("b");
  });

  test("one that is out of reach may have it, as far as anybody knows", async () => {
    expect(await which({ a: "lost", b: gone })).toBe("unavailable");
  });

  test("none has it when all say so", async () => {
    expect(await which({ a: gone, b: gone })).toBe("none");
  });
});
