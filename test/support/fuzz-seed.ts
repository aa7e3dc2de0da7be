// What a property is, and the seed of a run of fuzzing: another one each time, unless `FUZZ_SEED` gives one again to
// see a failure once more.

export interface Property {
  /** A sentence. */
  readonly title: string;
  /** Rejects with the smallest counterexample, and the seed and path to it. */
  readonly check: (runs: number, seed: number) => Promise<void>;
}

/** 0 to 2^31 - 1. */
export const fuzzSeed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
