// One partition in memory: an offset-addressed run of records, bounded in bytes, oldest dropped first.
// It keeps no files, wakes nobody and checks no record.

import { recordBytes, type KafkaRecord } from "../../protocol/index.ts";
import type { Entry } from "../../kafka/log/index.ts";

/** Counted for each record on top of its own bytes, so that a run of empty records is bounded too. */
const overheadBytes = 64;

interface Kept extends Entry {
  /** Latest timestamp up to here: producers may choose timestamps, and a search needs an ascending column. */
  readonly latestTimestamp: number;
}

export interface PartitionLog {
  /** Offset of the oldest record kept. */
  readonly earliest: number;
  /** The offset that is written next. */
  readonly end: number;
  /**
   * Adds records whose offsets go on from `end` (the first ones ever may start anywhere) and drops what no
   * longer fits. The newest record is always kept: it is what remembers the end of the log.
   */
  append(records: readonly KafkaRecord[]): void;
  /** Records from `offset` on, with their own sizes; none outside [earliest, end). */
  from(offset: number): Iterator<Entry, undefined>;
  /** First offset whose timestamp is not before `timestamp` (epoch ms), or `end`. */
  offsetAt(timestamp: number): number;
}

export function createPartitionLog(retentionBytes: number): PartitionLog {
  let entries: Kept[] = [];
  // Dropping moves `head`; the array is cut only now and then, so that a drop does not move all records.
  let head = 0;
  let base = 0;
  let keptBytes = 0;

  const count = (): number => entries.length - head;
  const end = (): number => base + count();

  const dropOldest = (): void => {
    while (keptBytes > retentionBytes && count() > 1) {
      keptBytes -= (entries[head]?.bytes ?? 0) + overheadBytes;
      head++;
      base++;
    }
    if (head > 1_024 && head > entries.length / 2) {
      entries = entries.slice(head);
      head = 0;
    }
  };

  return {
    get earliest() {
      return base;
    },
    get end() {
      return end();
    },

    append(records) {
      for (const record of records) {
        if (count() === 0) base = record.offset;
        const bytes = recordBytes(record);
        const latestTimestamp = Math.max(record.timestamp, entries.at(-1)?.latestTimestamp ?? 0);
        entries.push({ record, bytes, latestTimestamp });
        keptBytes += bytes + overheadBytes;
      }
      dropOldest();
    },

    *from(offset): Generator<Entry, undefined> {
      if (offset < base) return undefined;
      let index = head + offset - base;
      for (let entry = entries[index]; entry !== undefined; entry = entries[++index]) yield entry;
      return undefined;
    },

    offsetAt(timestamp) {
      let low = head;
      let high = entries.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((entries[middle]?.latestTimestamp ?? 0) < timestamp) low = middle + 1;
        else high = middle;
      }
      // Only where a dropped record was dated later than the oldest one kept: then the column says nothing here.
      while (low < entries.length && (entries[low]?.record.timestamp ?? 0) < timestamp) low++;
      return base + low - head;
    },
  };
}
