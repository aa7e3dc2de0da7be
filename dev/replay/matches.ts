// Which records belong to an exchange, and in which stretches of time they are looked for. Pure.

import { correlationIdForm, correlationIdOf, type KafkaRecord } from "../../protocol/index.ts";

/** Whether a record of a request or reply topic is of this exchange: where there are a header and a key, the header counts. */
export function belongsTo(id: string, record: Pick<KafkaRecord, "headers" | "key">): boolean {
  const said = correlationIdOf(record);
  return said !== undefined && canonical(said) === canonical(id);
}

/** IDs of ours compare without regard to case, others as they stand. */
function canonical(id: string): string {
  return correlationIdForm(id)?.id ?? id;
}

const firstWindowMs = 60_000;
const growth = 6;

/**
 * Epoch ms at which to begin reading, newest first, each until where the one before began. They grow, since
 * what is looked for is mostly recent, and reading much of the log for it once more would cost the same as not asking.
 */
export function windowStarts(now: number, sinceMs: number): number[] {
  const starts: number[] = [];
  for (let ageMs = firstWindowMs; ageMs < sinceMs; ageMs *= growth) starts.push(now - ageMs);
  return [...starts, now - sinceMs];
}
