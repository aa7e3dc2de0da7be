// A small share of the fuzzing; test/long/fuzz.test.ts has the rest. `FUZZ_SEED=n` repeats a run.

import { expect, test } from "vitest";
import { fuzzSeed } from "../support/fuzz-seed.ts";
import { properties } from "./properties.ts";

const runsEach = 40;

console.log(`fuzzing with FUZZ_SEED=${fuzzSeed}`);

test.each(properties)("whatever comes, $title", async ({ check }) => {
  await expect(check(runsEach, fuzzSeed)).resolves.toBeUndefined();
});
