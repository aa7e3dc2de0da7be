// Fuzzing at volume: every property of test/fuzz/properties.ts, and requests over HTTP. `FUZZ_SEED=n` repeats a run.

import { afterAll, expect, test } from "vitest";
import { fuzzSeed, type Property } from "../support/fuzz-seed.ts";
import { fuzzOverHttp } from "../support/hostile-http.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startHostileLoop } from "../support/hostile-loop.ts";
import { Proof } from "../support/proof.ts";

// By a name that the compiler does not follow: the properties are of code with the Worker's types, which would meet
// those of Node here. tsconfig.fuzz.json looks after them.
const file = "../fuzz/properties.ts";
const { properties } = (await import(file)) as { readonly properties: readonly Property[] };

const runsInAll = 100_000;
const runsEach = Math.ceil(runsInAll / properties.length);
const requests = 4_000;

const proof = new Proof("security", "What fuzzing found");
afterAll(() => proof.write());
const later = useCleanups();

console.log(`fuzzing with FUZZ_SEED=${fuzzSeed}`);
proof.add("seed of this run", `\`FUZZ_SEED=${fuzzSeed}\``);

test.each(properties)("whatever comes, $title", async ({ title, check }) => {
  const startedAt = performance.now();
  await expect(check(runsEach, fuzzSeed)).resolves.toBeUndefined();
  const tookS = ((performance.now() - startedAt) / 1_000).toFixed(1);
  proof.add(title, `${runsEach} runs in ${tookS} s: holds`);
});

test("any request over HTTP has an answer of the table, and the log says nothing", async () => {
  const loop = await startHostileLoop(later);
  const counts = await fuzzOverHttp(loop, requests, fuzzSeed);
  expect(loop.gateway.lines).toEqual([]);
  const shown = [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([answer, count]) => `${answer}: ${count}`);
  proof.add(`${requests} requests over HTTP`, shown.join(", "));
  const { balanced, read, inFlight } = await loop.ledger();
  expect([balanced, inFlight]).toEqual([true, 0]);
  proof.add("replies read meanwhile, each with its verdict", String(read));
});
