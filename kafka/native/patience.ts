// Waiting out the moments in which a partition has no leader, or not yet told everybody who it is: after a topic
// was created, and while a broker hands over. Losing all brokers is another matter and not waited for.

import { errorNames, writtenAt } from "./errors.ts";

const passing = new Set([
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_OR_FOLLOWER",
  "UNKNOWN_LEADER_EPOCH",
  "FENCED_LEADER_EPOCH",
  "KAFKA_STORAGE_ERROR",
]);
const patienceMs = 2_000;
const pauseMs = 25;

/** Every error that `cause` carries will pass by itself, and nothing was written. */
function isPassing(cause: unknown): boolean {
  const names = errorNames(cause);
  return names.length > 0 && names.every((name) => passing.has(name)) && writtenAt(cause) === undefined;
}

/** Repeats `attempt` while it fails in passing, for 2 s; then, or when it fails otherwise, throws what it threw. */
export async function patiently<T>(attempt: () => Promise<T>, now: () => number = Date.now): Promise<T> {
  const giveUpAt = now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (!isPassing(cause) || now() >= giveUpAt) throw cause;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
