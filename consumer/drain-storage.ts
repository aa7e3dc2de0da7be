// The rows a drain keeps on disk: its duties, its progress, and what became of dead letters tried again. The only file
// that knows their keys; the dead letters themselves are in dead-letters.ts.

import { noDuties, type Duties } from "./assignment.ts";
import type { ServiceCounts, SparseCounts } from "./ledger.ts";
import type { StoredPartition } from "./partitions.ts";

/** Version of all rows; one of another version is not read, which costs a read by time window. */
const version = 1;
const dutiesKey = "duties";
const progressKey = "progress";
const redrivenKey = "redriven";

/** Of the progress row. The rest of 1,000 partitions, with the longest topic name there can be, is half of a row. */
const maxServiceBytes = 900_000;

interface Row<T> {
  readonly version: number;
  readonly value: T;
}

export class DrainStorage {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  loadDuties(): Duties {
    return this.#read<Duties>(dutiesKey) ?? noDuties;
  }

  saveDuties(duties: Duties): void {
    this.#write(dutiesKey, duties);
  }

  loadProgress(): readonly StoredPartition[] {
    return this.#read<readonly StoredPartition[]>(progressKey) ?? [];
  }

  /** How far the drain got must be stored whatever else is: counts per service only if there is room for all. */
  saveProgress(partitions: readonly StoredPartition[]): void {
    const bytes = partitions.reduce((sum, { counts }) => sum + serviceBytes(counts.byService), 0);
    this.#write(progressKey, bytes <= maxServiceBytes ? partitions : partitions.map(withoutServices));
  }

  /** Verdicts of dead letters that were tried again: those are not read, so they are no part of the progress. */
  loadRedriven(): SparseCounts {
    return this.#read<SparseCounts>(redrivenKey) ?? {};
  }

  saveRedriven(counts: SparseCounts): void {
    this.#write(redrivenKey, counts);
  }

  #read<T>(key: string): T | undefined {
    const row = this.#storage.kv.get<Row<T>>(key);
    return row?.version === version ? row.value : undefined;
  }

  #write<T>(key: string, value: T): void {
    this.#storage.kv.put<Row<T>>(key, { version, value });
  }
}

/** No less than it takes in a stored row: lengths, tags and numbers come to a few bytes each. */
function serviceBytes(byService: ServiceCounts): number {
  let bytes = 0;
  for (const [name, counts] of Object.entries(byService)) {
    bytes += name.length + 8;
    for (const verdict of Object.keys(counts)) bytes += verdict.length + 12;
  }
  return bytes;
}

function withoutServices(partition: StoredPartition): StoredPartition {
  return { ...partition, counts: { ...partition.counts, byService: {} } };
}
