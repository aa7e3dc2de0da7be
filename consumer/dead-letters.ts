// The replies that nobody got: a table in the drain's storage, bounded in number and bytes, each kind by itself. The only
// file that knows its columns. What may be done with a dead letter is in dead-letter-desk.ts.

import {
  fromWireRecord,
  toWireRecord,
  type DrainVerdict,
  type KafkaRecord,
  type WireRecord,
} from "../protocol/index.ts";
import { Allowance } from "./allowance.ts";
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

type Kind = "undeliverable" | "malformed";

interface Bound {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Apart, since a re-drive may still bring an undeliverable reply to who waits for it. Of malformed ones, which a service
 * may write without end, some are enough to see what is wrong.
 */
const bounds: Readonly<Record<Kind, Bound>> = {
  undeliverable: { count: 1_000, bytes: 32 * 1024 * 1024 },
  malformed: { count: 250, bytes: 4 * 1024 * 1024 },
};
/** Each costs rows, written and removed again; what is not kept is in the ledger all the same. */
const malformedPerMinute = 100;
/** A stored value may have 2 MB. */
const maxRowBytes = 1_900_000;

/** The rows of one kind, the oldest first: their IDs, and how many bytes each has. */
interface Shelf {
  readonly rows: Map<number, number>;
  bytes: number;
}

export class DeadLetters {
  readonly #sql: SqlStorage;
  readonly #malformed = new Allowance(malformedPerMinute);
  #shelves: Readonly<Record<Kind, Shelf>> | undefined;

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
    const { undeliverable, malformed } = this.#kept();
    return undeliverable.rows.size + malformed.rows.size;
  }

  /**
   * Keeps the newest of its kind, up to the bound in number or bytes that is reached first, and of malformed ones no more
   * than 100 a minute. A record that is there already, since it was read again after a reset, stays one dead letter. `at`
   * in epoch ms.
   */
  add(record: KafkaRecord, { verdict, reason }: Pick<DeadLetter, "verdict" | "reason">, at: number): void {
    const kind = kindOf(verdict);
    if (kind === "malformed" && !this.#malformed.take(at)) return;
    const source = `${nameOf(record)}/${record.offset}`;
    const wire = JSON.stringify(toWireRecord(record));
    const kept = wire.length <= maxRowBytes ? wire : null;
    const known = this.#sql.exec(
      "SELECT 1 FROM dead_letters WHERE source = ? AND record IS ? LIMIT 1",
      source,
      kept,
    );
    if (known.toArray().length > 0) return;
    const shelf = this.#kept()[kind];
    const bytes = kept?.length ?? 0;
    // Microseconds, so that no ID is ever given twice: the next one after the newest would be, once that was removed.
    const { id } = this.#sql
      .exec<{ id: number }>(
        `INSERT INTO dead_letters (id, at, source, bytes, record, verdict, reason)
         VALUES (MAX(? * 1000, (SELECT COALESCE(MAX(id), 0) + 1 FROM dead_letters)), ?, ?, ?, ?, ?, ?)
         RETURNING id`,
        at,
        at,
        source,
        bytes,
        kept,
        verdict,
        reason,
      )
      .one();
    shelf.rows.set(id, bytes);
    shelf.bytes += bytes;
    for (const oldest of shelf.rows.keys()) {
      if (shelf.rows.size <= bounds[kind].count && shelf.bytes <= bounds[kind].bytes) break;
      this.remove(oldest);
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
    const removed = this.#sql.exec("DELETE FROM dead_letters WHERE id = ? RETURNING id", id).toArray();
    for (const shelf of Object.values(this.#kept())) {
      shelf.bytes -= shelf.rows.get(id) ?? 0;
      shelf.rows.delete(id);
    }
    return removed.length > 0;
  }

  /** Read once and kept up from there: a flood of unreadable replies must not search the whole table for each. */
  #kept(): Readonly<Record<Kind, Shelf>> {
    if (this.#shelves !== undefined) return this.#shelves;
    const shelves = {
      undeliverable: { rows: new Map<number, number>(), bytes: 0 },
      malformed: { rows: new Map<number, number>(), bytes: 0 },
    };
    const rows = this.#sql.exec<{ id: number; bytes: number; verdict: string }>(
      "SELECT id, bytes, verdict FROM dead_letters ORDER BY id",
    );
    for (const { id, bytes, verdict } of rows) {
      const shelf = shelves[kindOf(verdict)];
      shelf.rows.set(id, bytes);
      shelf.bytes += bytes;
    }
    this.#shelves = shelves;
    return shelves;
  }
}

function kindOf(verdict: string): Kind {
  return verdict === "malformed" ? "malformed" : "undeliverable";
}

/** A topic's name has no slash. */
function placeOf(source: string): Pick<DeadLetter, "topic" | "partition" | "offset"> {
  const [topic = "", partition, offset] = source.split("/");
  return { topic, partition: Number(partition), offset: Number(offset) };
}
