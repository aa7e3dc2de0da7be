// Whether a drain does what it owes: a pure judgement for readiness checks.

import { pollWaitMs } from "./run.ts";

/** `idle`: nothing is owed. `polling`: polled within its window. `silent`: owed, but no poll got through. */
export type DrainHealth = "idle" | "polling" | "silent";

/** Two polls with their grace: one may be lost. */
export const pollWindowMs = 2 * (pollWaitMs + 2_000);

/** All instants are epoch ms. A run that has only just started is given its window for the first poll. */
export function drainHealth(
  awakeUntil: number,
  lastPollAt: number,
  runStartedAt: number,
  now: number,
): DrainHealth {
  if (now >= awakeUntil) return "idle";
  return now - Math.max(lastPollAt, runStartedAt) <= pollWindowMs ? "polling" : "silent";
}
