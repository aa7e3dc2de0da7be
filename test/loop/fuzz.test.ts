// Random requests against the whole loop, in small; test/long/fuzz.test.ts has more. `FUZZ_SEED=n` repeats a run.

import { expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { startHostileLoop } from "../support/hostile-loop.ts";
import { fuzzOverHttp } from "../support/hostile-http.ts";
import { fuzzSeed } from "../support/fuzz-seed.ts";

const later = useCleanups();

console.log(`fuzzing with FUZZ_SEED=${fuzzSeed}`);

test("any request over HTTP has an answer of the table, the log says nothing, and the books balance", async () => {
  const loop = await startHostileLoop(later);
  const counts = await fuzzOverHttp(loop, 400, fuzzSeed);
  // Our own code was met, not only the parser before it.
  expect(counts.get("200") ?? 0).toBeGreaterThan(5);
  expect(counts.get("404 not_found") ?? 0).toBeGreaterThan(5);
  expect(loop.gateway.lines).toEqual([]);
  await expect.poll(async () => (await loop.ledger()).inFlight).toBe(0);
  expect((await loop.ledger()).balanced).toBe(true);
});
