// Everything a drain keeps on disk: one row of duties, one row of progress, a bounded table of dead
// letters. The only file that knows keys and tables.

import { toWireRecord, type KafkaRecord } from "../protocol/index.ts";
import { noDuties, type Duties } from "./assignment.ts";
import type { ServiceCounts } from "./ledger.ts";
import { nameOf } from "./partition-name.ts";
import type { StoredPartition } from "./partitions.ts";

/** Version of both rows; a row of another version is not read, which costs a read by time window. */
const version = 1;
const dutiesKey = "duties";
const progressKey = "progress";

const maxDeadLetters = 1_000;
/** A stored value may have 2 MB. */
const maxRowBytes = 1_900_000;
const maxDeadLetterBytes = 32 * 1024 * 1024;

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
    storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS dead_letters (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, bytes INTEGER NOT NULL, record TEXT)`,
    );
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

  /**
   * Keeps the newest 1,000 records or 32 MiB, whichever is less. Of a record too large for a row only its
   * source is kept: it can be read from Kafka again. `at` in epoch ms.
   */
  addDeadLetter(record: KafkaRecord, at: number): void {
    const { sql } = this.#storage;
    const wire = JSON.stringify(toWireRecord(record));
    const kept = wire.length <= maxRowBytes ? wire : null;
    sql.exec(
      "INSERT INTO dead_letters (at, source, bytes, record) VALUES (?, ?, ?, ?)",
      at,
      `${nameOf(record)}/${record.offset}`,
      kept?.length ?? 0,
      kept,
    );
    sql.exec(
      `DELETE FROM dead_letters WHERE id IN (
        SELECT id FROM (
          SELECT id, ROW_NUMBER() OVER newest AS place, SUM(bytes) OVER newest AS total
          FROM dead_letters WINDOW newest AS (ORDER BY id DESC))
        WHERE place > ? OR total > ?)`,
      maxDeadLetters,
      maxDeadLetterBytes,
    );
  }

  countDeadLetters(): number {
    return Number(this.#storage.sql.exec("SELECT COUNT(*) AS count FROM dead_letters").one()["count"]);
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
