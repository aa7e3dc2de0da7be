// From the batches of a fetch answer to records: which of them count, and where the next read goes on. Pure.

import { Buffer } from "node:buffer";
import type { Consumer, RecordsBatch } from "@platformatic/kafka";
import type { KafkaRecord } from "../../protocol/index.ts";

/** Bits of a batch's attributes. https://kafka.apache.org/43/implementation/message-format/ */
const logAppendTime = 0x08;
const transactional = 0x10;
const control = 0x20;
/** Type of the control record that ends an aborted transaction. */
const abortMarker = 0;

export type FetchAnswer = Awaited<ReturnType<Consumer["fetch"]>>;
export type FetchedPartition = FetchAnswer["responses"][number]["partitions"][number];

export interface ReadPartition {
  readonly records: readonly KafkaRecord[];
  /** The first offset that was not looked at. */
  readonly next: number;
}

/**
 * Leaves out markers of transactions, records of aborted ones, and what lies before `offset`: a batch comes
 * whole, even if it was asked for from its middle.
 */
export function readBatches(
  topic: string,
  offset: number,
  { partitionIndex: partition, records: batches, abortedTransactions }: FetchedPartition,
): ReadPartition {
  const records: KafkaRecord[] = [];
  let next = offset;
  const aborted = (abortedTransactions ?? []).toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const abortedProducers = new Set<bigint>();
  for (const batch of batches ?? []) {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (aborted[0] !== undefined && aborted[0].firstOffset <= lastOffset) {
      abortedProducers.add(aborted[0].producerId);
      aborted.shift();
    }
    next = Math.max(next, Number(lastOffset) + 1);
    if ((batch.attributes & control) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) abortedProducers.delete(batch.producerId);
    } else if ((batch.attributes & transactional) === 0 || !abortedProducers.has(batch.producerId)) {
      for (const record of batch.records) {
        const at = Number(batch.firstOffset) + record.offsetDelta;
        if (at >= offset) records.push(toKafkaRecord(topic, partition, at, batch, record));
      }
    }
  }
  return { records, next };
}

function toKafkaRecord(
  topic: string,
  partition: number,
  offset: number,
  batch: RecordsBatch,
  { key, value, headers, timestampDelta }: RecordsBatch["records"][number],
): KafkaRecord {
  const isStamped = (batch.attributes & logAppendTime) !== 0;
  return {
    topic,
    partition,
    offset,
    timestamp: Number(isStamped ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta),
    key,
    value,
    headers: headers.map(([name, content]) => ({
      key: name?.toString() ?? "",
      value: content ?? Buffer.alloc(0),
    })),
  };
}
