// Which records fit into one answer when several partitions have some: one of each in turn. Pure.

import type { KafkaRecord } from "../../protocol/index.ts";

export interface Entry {
  readonly record: KafkaRecord;
  readonly bytes: number;
}

/**
 * Counted on top of the bytes of a record and of each of its headers: JSON writes names around them, and without it no
 * number of empty records would fill an answer. So the JSON of one is at most eight times as long as what is counted,
 * which is as much as a reader of 4 MiB takes.
 */
const overheadBytes = { record: 64, header: 16 } as const;

/**
 * At most `maxBytes`, but always one record if there is any. Begins with source `first` (modulo their number):
 * with another one each time, neither a busy partition nor the first of many large ones keeps the rest from
 * being read. Records of one source stay together and in order.
 */
export function takeInTurn(
  sources: readonly Iterator<Entry, undefined>[],
  maxBytes: number,
  first: number,
): KafkaRecord[] {
  const cursors = sources.map((source) => ({
    source,
    head: source.next().value,
    taken: [] as KafkaRecord[],
  }));
  const start = cursors.length === 0 ? 0 : first % cursors.length;
  let open = [...cursors.slice(start), ...cursors.slice(0, start)];
  let budget = maxBytes;
  let isFirst = true;
  while (open.length > 0) {
    open = open.filter((cursor) => {
      const { head } = cursor;
      if (head === undefined) return false;
      const bytes = countedBytes(head);
      if (bytes > budget && !isFirst) return false;
      isFirst = false;
      budget -= bytes;
      cursor.taken.push(head.record);
      cursor.head = cursor.source.next().value;
      return budget > 0;
    });
  }
  return cursors.flatMap(({ taken }) => taken);
}

function countedBytes({ record, bytes }: Entry): number {
  return bytes + overheadBytes.record + overheadBytes.header * record.headers.length;
}
