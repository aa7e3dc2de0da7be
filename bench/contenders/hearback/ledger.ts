// The books of gateways, as their ledger endpoint shows them, as one.

import type { Ledger } from "../contender.ts";

export interface LedgerAnswer {
  readonly partitions: readonly Ledger[];
}

export function sumOfLedgers(answers: readonly LedgerAnswer[]): Ledger {
  const partitions = answers.flatMap((answer) => answer.partitions);
  const verdicts: Record<string, number> = {};
  for (const partition of partitions) {
    for (const [verdict, count] of Object.entries(partition.verdicts))
      verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
  }
  const sum = (key: "read" | "inFlight"): number =>
    partitions.reduce((total, partition) => total + partition[key], 0);
  return { read: sum("read"), inFlight: sum("inFlight"), verdicts };
}
