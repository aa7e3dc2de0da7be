// How much is asked and how long things take: of a run of minutes, and of one of seconds.

import type { ChaosOptions } from "./run.ts";

/** What `npm run chaos` uses. */
export const usual = {
  rate: 20,
  times: { plainMs: 5_000, keyedMs: 45_000, asyncMs: 60_000, retentionMs: 20_000 },
  outagesMs: [500, 8_000],
  breaksMs: [2_000, 8_000],
} as const satisfies Partial<ChaosOptions>;

/** For runs of seconds: everything is over sooner. */
export const brief = {
  rate: 10,
  times: { plainMs: 4_000, keyedMs: 15_000, asyncMs: 15_000, retentionMs: 8_000 },
  outagesMs: [300, 2_000],
  breaksMs: [1_000, 3_000],
} as const satisfies Partial<ChaosOptions>;
