// Both topics of a run, read whole with a native client that nothing else of the loop uses.

import { randomUUID } from "node:crypto";
import { Consumer, stringDeserializers } from "@platformatic/kafka";
import type { RawRecord } from "./records.ts";

export interface WholeTopic {
  /** Of each partition in its order. */
  readonly records: readonly RawRecord[];
  /** Of each partition, by number: the offset after its last record. */
  readonly ends: readonly number[];
}

/** What is there when it is called. `brokers`: `host:port`, several with commas between them. */
export async function readTopic(brokers: string, topic: string): Promise<WholeTopic> {
  const name = `chaos-checker-${randomUUID()}`;
  const consumer = new Consumer({
    clientId: name,
    groupId: name,
    bootstrapBrokers: brokers.split(","),
    deserializers: stringDeserializers,
    autocommit: false,
  });
  try {
    const offsets = await consumer.listOffsets({ topics: [topic] });
    const ends = (offsets.get(topic) ?? []).map(Number);
    const missing = new Set(ends.flatMap((end, partition) => (end > 0 ? [partition] : [])));
    const records: RawRecord[] = [];
    if (missing.size === 0) return { records, ends };
    const stream = await consumer.consume({ topics: [topic], mode: "earliest", maxWaitTime: 100 });
    for await (const { partition, offset, timestamp, headers, value } of stream) {
      const record = {
        partition,
        offset: Number(offset),
        timestamp: Number(timestamp),
        headers: [...headers],
        value,
      };
      const end = ends[partition] ?? 0;
      if (record.offset < end) records.push(record);
      if (record.offset >= end - 1) missing.delete(partition);
      if (missing.size === 0) break;
    }
    return { records: records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset), ends };
  } finally {
    await consumer.close(true);
  }
}
