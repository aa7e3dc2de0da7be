// What an exchange takes of the platform, counted at the real runtime: the cost model counts with the same numbers. Waits
// of a moment; those through which an object hibernates are in test/long/cost.test.ts.

import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { counts, holdInVain, type Kind } from "../../dev/cost/counts.ts";
import { billedInAll, billedOf, type BilledOfObject } from "../support/billed.ts";
import { useCleanups } from "../support/cleanups.ts";
import { keyed, startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";

const later = useCleanups();

const headersOf: Readonly<Record<Kind, () => Readonly<Record<string, string>>>> = {
  plain: () => ({}),
  durable: () => keyed(randomUUID()),
  async: () => ({ prefer: "respond-async" }),
};

/** Up to its answer, and to its being fetched where nobody waited for it. */
async function billed(loop: DurableLoop, kind: Kind, expected: BilledOfObject): Promise<void> {
  const nonce = randomUUID();
  const asked = await loop.ask("priced", { nonce, afterMs: 500 }, headersOf[kind]());
  const id = asked.headers.get("x-correlation-id") ?? "";
  const meter = async () => (await loop.meters()).waiters[id];
  if (kind === "async") {
    expect(asked.status).toBe(202);
    await expect.poll(async () => (await meter())?.calls["deliver"], { timeout: 5_000 }).toBe(1);
    const fetched = await loop.get(`/requests/${id}`);
    expect([fetched.status, fetched.text]).toEqual([200, nonce]);
  } else {
    expect([asked.status, asked.text]).toEqual([200, nonce]);
  }
  // The answer may be there before the object has written down that it was given.
  await expect
    .poll(async () => {
      const seen = await meter();
      return seen && billedOf(seen);
    })
    .toEqual(expected);
}

const objectsOf = ({ objectRequests, rowsWritten, rowsRead }: BilledOfObject): BilledOfObject => ({
  objectRequests,
  rowsWritten,
  rowsRead,
});

test.each([
  { how: "held until the reply comes", fixedSpinMs: 1_363, fate: "held", inVain: false },
  { how: "parked at once", fixedSpinMs: 0, fate: "parked", inVain: false },
  { how: "held in vain, and parked then", fixedSpinMs: 100, fate: "parked", inVain: true },
] as const)(
  "waits that are $how take as many requests and rows as the cost model says, and async ones too",
  async ({ fixedSpinMs, fate, inVain }) => {
    const loop = await startDurableLoop(later, { fixedSpinMs, isMetered: true });
    const more = inVain ? [objectsOf(holdInVain)] : [];
    await Promise.all([
      billed(loop, "plain", billedInAll(objectsOf(counts.plain[fate]), ...more)),
      billed(loop, "durable", billedInAll(objectsOf(counts.durable[fate]), ...more)),
      billed(loop, "async", objectsOf(counts.async[fate])),
    ]);
  },
);
