// The newest records of one partition, kept for the readers that wait at its end: bounded in bytes, addressed by
// offset, with gaps where the log has none. What is older than the ring is read from the cluster.

import { recordBytes, type KafkaRecord } from "../../protocol/index.ts";
import type { Entry } from "../log/index.ts";

/** What the objects around a record's bytes take, roughly: without it, small records would fill the memory. */
const overheadBytes = 512;

export class Ring {
  #entries: Entry[] = [];
  // Dropping moves `#head`; the array is cut only now and then, so that a drop does not move all records.
  #head = 0;
  #bytes = 0;
  #base: number;
  #end: number;

  /** Covers nothing yet; the first record that can come has at least offset `start`. */
  constructor(start: number) {
    this.#base = start;
    this.#end = start;
  }

  /** From this offset on, nothing is missing. */
  get base(): number {
    return this.#base;
  }

  /** Up to this offset, exclusive, the log has been read: where the next read goes on. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `records` lie between `end` and `nextEnd`, in order. The newest record is always kept. */
  append(records: readonly KafkaRecord[], nextEnd: number, maxBytes: number): void {
    for (const record of records) {
      const bytes = recordBytes(record);
      this.#entries.push({ record, bytes });
      this.#bytes += bytes + overheadBytes;
    }
    this.#end = nextEnd;
    while (this.#bytes > maxBytes && this.#entries.length - this.#head > 1) {
      const oldest = this.#entries[this.#head++];
      if (oldest === undefined) break;
      this.#bytes -= oldest.bytes + overheadBytes;
      this.#base = oldest.record.offset + 1;
    }
    // As soon as most are dropped ones: each of them may hold a megabyte.
    if (this.#head > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Entries from `offset` on, which must not be below `base`. */
  *from(offset: number): Generator<Entry, undefined> {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.record.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry !== undefined) yield entry;
    }
  }
}
