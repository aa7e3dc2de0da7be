// The count of every reply read and of what became of it, per partition and, where the waiter said whose it is, per
// service. Numbers only; it knows nothing of records. Invariant: read = sum of verdicts + in flight, where what is in
// flight is counted by somebody else, so that a verdict that is missing or given twice shows.

import { drainVerdicts, type DrainVerdict } from "../protocol/index.ts";

export type VerdictCounts = Readonly<Record<DrainVerdict, number>>;

/** Only what is not zero: a topic may have 1,000 partitions and several services, and one row holds them all. */
export type SparseCounts = Readonly<Partial<Record<DrainVerdict, number>>>;

export type ServiceCounts = Readonly<Record<string, SparseCounts>>;

export interface PartitionCounts {
  readonly read: number;
  readonly verdicts: VerdictCounts;
  /** The part of `verdicts` of which the service is known. */
  readonly byService: ServiceCounts;
  /** How often the log was found to be another one, or cut away under the position. */
  readonly resets: number;
}

const noVerdicts = Object.fromEntries(drainVerdicts.map((verdict) => [verdict, 0])) as VerdictCounts;

export const noCounts: PartitionCounts = { read: 0, verdicts: noVerdicts, byService: {}, resets: 0 };

export function countRead(counts: PartitionCounts): PartitionCounts {
  return { ...counts, read: counts.read + 1 };
}

/** `service` is absent where nobody could tell whose reply it is. */
export function countVerdict(
  counts: PartitionCounts,
  verdict: DrainVerdict,
  service?: string,
): PartitionCounts {
  const verdicts = { ...counts.verdicts, [verdict]: counts.verdicts[verdict] + 1 };
  if (service === undefined) return { ...counts, verdicts };
  const byService = { ...counts.byService, [service]: addOne(counts.byService[service] ?? {}, verdict) };
  return { ...counts, verdicts, byService };
}

export function countReset(counts: PartitionCounts): PartitionCounts {
  return { ...counts, resets: counts.resets + 1 };
}

/** What may be stored: a reply without a verdict is read again after a restart, and counted then. */
export function settledCounts(counts: PartitionCounts, inFlight: number): PartitionCounts {
  return { ...counts, read: counts.read - inFlight };
}

/** Counts as stored by an older version lack what was added since. */
export function restoreCounts(stored: Partial<PartitionCounts>): PartitionCounts {
  return { ...noCounts, ...stored, verdicts: { ...noVerdicts, ...stored.verdicts } };
}

export function sumOfVerdicts(verdicts: VerdictCounts): number {
  return drainVerdicts.reduce((sum, verdict) => sum + verdicts[verdict], 0);
}

/** Whether the invariant holds, and no service has more of a verdict than its partition. False is a bug. */
export function isBalanced(
  { read, verdicts, byService }: Omit<PartitionCounts, "resets">,
  inFlight: number,
): boolean {
  const named = sumOfCounts(Object.values(byService));
  return (
    read === sumOfVerdicts(verdicts) + inFlight &&
    drainVerdicts.every((verdict) => (named[verdict] ?? 0) <= verdicts[verdict])
  );
}

/**
 * Per service, with what nobody could name given to the only service that there is. With more than one, or none, it
 * stays in the verdicts alone.
 */
export function attribute(
  verdicts: VerdictCounts,
  byService: ServiceCounts,
  services: readonly string[],
): ServiceCounts {
  const [only, another] = services;
  if (only === undefined || another !== undefined) return byService;
  const named = sumOfCounts(Object.values(byService));
  const rest = sparse((verdict) => Math.max(0, verdicts[verdict] - (named[verdict] ?? 0)));
  if (Object.keys(rest).length === 0) return byService;
  return { ...byService, [only]: sumOfCounts([byService[only] ?? {}, rest]) };
}

export function sumOfServices(list: readonly ServiceCounts[]): ServiceCounts {
  const names = new Set(list.flatMap((byService) => Object.keys(byService)));
  return Object.fromEntries(
    [...names].map((name) => [name, sumOfCounts(list.map((byService) => byService[name] ?? {}))]),
  );
}

export function addOne(counts: SparseCounts, verdict: DrainVerdict): SparseCounts {
  return { ...counts, [verdict]: (counts[verdict] ?? 0) + 1 };
}

function sumOfCounts(list: readonly SparseCounts[]): SparseCounts {
  return sparse((verdict) => list.reduce((sum, counts) => sum + (counts[verdict] ?? 0), 0));
}

function sparse(countOf: (verdict: DrainVerdict) => number): SparseCounts {
  return Object.fromEntries(
    drainVerdicts.map((verdict) => [verdict, countOf(verdict)] as const).filter(([, count]) => count > 0),
  );
}
