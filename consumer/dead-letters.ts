// The replies that nobody got: a table in the drain's storage, bounded in number and bytes. The only file that knows
// its columns. What may be done with a dead letter is in dead-letter-desk.ts.

import {
  fromWireRecord,
  toWireRecord,
  type DrainVerdict,
  type KafkaRecord,
  type WireRecord,
} from "../protocol/index.ts";
import { nameOf } from "./partition-name.ts";

export interface DeadLetter {
  readonly id: number;
  /** Epoch ms when it became one. */
  readonly at: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly verdict: DrainVerdict;
  readonly reason: string;
  /** Absent where it was too large for a row: Kafka has it, for as long as the topic is kept. */
  readonly record?: KafkaRecord;
}

const maxCount = 1_000;
/** A stored value may have 2 MB. */
const maxRowBytes = 1_900_000;
const maxBytes = 32 * 1024 * 1024;

export class DeadLetters {
  readonly #sql: SqlStorage;
  #kept: { count: number; bytes: number } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // `source` is topic/partition/offset. `record` is null where it is too large for a row; `bytes` is its length.
    sql.exec(
      `CREATE TABLE IF NOT EXISTS dead_letters (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, bytes INTEGER NOT NULL, record TEXT)`,
    );
    // The table had no more than that at first, and then only undeliverable replies. With their defaults an earlier
    // deploy that comes back can still add rows.
    const columns = new Set(
      sql
        .exec<{ name: string }>("PRAGMA table_info(dead_letters)")
        .toArray()
        .map(({ name }) => name),
    );
    if (!columns.has("verdict")) {
      sql.exec("ALTER TABLE dead_letters ADD COLUMN verdict TEXT NOT NULL DEFAULT 'undeliverable'");
    }
    if (!columns.has("reason")) {
      sql.exec("ALTER TABLE dead_letters ADD COLUMN reason TEXT NOT NULL DEFAULT 'not recorded'");
    }
    sql.exec("CREATE INDEX IF NOT EXISTS dead_letters_by_source ON dead_letters (source)");
  }

  get count(): number {
    return this.#total().count;
  }

  /**
   * Keeps the newest 1,000 records or 32 MiB, whichever is less. A record that is there already, since it was read
   * again after a reset, stays one dead letter. `at` in epoch ms.
   */
  add(record: KafkaRecord, { verdict, reason }: Pick<DeadLetter, "verdict" | "reason">, at: number): void {
    const total = this.#total();
    const source = `${nameOf(record)}/${record.offset}`;
    const wire = JSON.stringify(toWireRecord(record));
    const kept = wire.length <= maxRowBytes ? wire : null;
    const known = this.#sql.exec(
      "SELECT 1 FROM dead_letters WHERE source = ? AND record IS ? LIMIT 1",
      source,
      kept,
    );
    if (known.toArray().length > 0) return;
    const bytes = kept?.length ?? 0;
    // Microseconds, so that no ID is ever given twice: the next one after the newest would be, once that was removed.
    this.#sql.exec(
      `INSERT INTO dead_letters (id, at, source, bytes, record, verdict, reason)
       VALUES (MAX(? * 1000, (SELECT COALESCE(MAX(id), 0) + 1 FROM dead_letters)), ?, ?, ?, ?, ?, ?)`,
      at,
      at,
      source,
      bytes,
      kept,
      verdict,
      reason,
    );
    total.count++;
    total.bytes += bytes;
    let isOver = true;
    while (isOver && (total.count > maxCount || total.bytes > maxBytes)) {
      isOver = this.#remove("(SELECT MIN(id) FROM dead_letters)");
    }
  }

  get(id: number): DeadLetter | undefined {
    const [row] = this.#sql
      .exec<{ at: number; source: string; record: string | null; verdict: string; reason: string }>(
        "SELECT at, source, record, verdict, reason FROM dead_letters WHERE id = ?",
        id,
      )
      .toArray();
    if (row === undefined) return undefined;
    const { at, source, record, verdict, reason } = row;
    return {
      id,
      at,
      ...placeOf(source),
      verdict: verdict as DrainVerdict,
      reason,
      ...(record === null ? {} : { record: fromWireRecord(JSON.parse(record) as WireRecord) }),
    };
  }

  /** The newest first, of those older than `before`. `next` is the `before` of the following page, if there is one. */
  page(limit: number, before = Number.MAX_SAFE_INTEGER): { ids: readonly number[]; next?: number } {
    const found = this.#sql
      .exec<{
        id: number;
      }>("SELECT id FROM dead_letters WHERE id < ? ORDER BY id DESC LIMIT ?", before, limit + 1)
      .toArray()
      .map(({ id }) => id);
    const ids = found.slice(0, limit);
    const last = ids.at(-1);
    return found.length > limit && last !== undefined ? { ids, next: last } : { ids };
  }

  /** False: there is none. */
  remove(id: number): boolean {
    return this.#remove("?", id);
  }

  #remove(which: string, ...bound: readonly number[]): boolean {
    const removed = this.#sql
      .exec<{ bytes: number }>(`DELETE FROM dead_letters WHERE id = ${which} RETURNING bytes`, ...bound)
      .toArray();
    const total = this.#total();
    for (const { bytes } of removed) {
      total.count--;
      total.bytes -= bytes;
    }
    return removed.length > 0;
  }

  /** Counted once and kept up from there: a flood of unreadable replies must not read the whole table for each. */
  #total(): { count: number; bytes: number } {
    this.#kept ??= this.#sql
      .exec<{ count: number; bytes: number }>(
        "SELECT COUNT(*) AS count, COALESCE(SUM(bytes), 0) AS bytes FROM dead_letters",
      )
      .one();
    return this.#kept;
  }
}

/** A topic's name has no slash. */
function placeOf(source: string): Pick<DeadLetter, "topic" | "partition" | "offset"> {
  const [topic = "", partition, offset] = source.split("/");
  return { topic, partition: Number(partition), offset: Number(offset) };
}
