// The count of every reply read and of what became of it, per partition. Numbers only; it knows nothing
// of records. Invariant: read = sum of verdicts + in flight.

import { drainVerdicts, type DrainVerdict } from "../protocol/index.ts";

export type VerdictCounts = Readonly<Record<DrainVerdict, number>>;

export interface PartitionCounts {
  readonly read: number;
  readonly verdicts: VerdictCounts;
  /** How often the log was found to be another one, or cut away under the position. */
  readonly resets: number;
}

const noVerdicts = Object.fromEntries(drainVerdicts.map((verdict) => [verdict, 0])) as VerdictCounts;

export const noCounts: PartitionCounts = { read: 0, verdicts: noVerdicts, resets: 0 };

export function countRead(counts: PartitionCounts): PartitionCounts {
  return { ...counts, read: counts.read + 1 };
}

export function countVerdict(counts: PartitionCounts, verdict: DrainVerdict): PartitionCounts {
  return { ...counts, verdicts: { ...counts.verdicts, [verdict]: counts.verdicts[verdict] + 1 } };
}

export function countReset(counts: PartitionCounts): PartitionCounts {
  return { ...counts, resets: counts.resets + 1 };
}

/** What may be stored: a reply without a verdict is read again after a restart, and counted then. */
export function settledCounts(counts: PartitionCounts, inFlight: number): PartitionCounts {
  return { ...counts, read: counts.read - inFlight };
}

/** Counts as stored by an older version lack what was added since. */
export function restoreCounts(stored: PartitionCounts): PartitionCounts {
  return { ...noCounts, ...stored, verdicts: { ...noVerdicts, ...stored.verdicts } };
}

export function sumOfVerdicts(verdicts: VerdictCounts): number {
  return drainVerdicts.reduce((sum, verdict) => sum + verdicts[verdict], 0);
}
