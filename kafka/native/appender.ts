// Appends to partitions: one batch in flight per partition, and what comes meanwhile goes out together as the
// next one. So nothing lingers when there is little to do, and batches grow by themselves when there is much.

import { Buffer } from "node:buffer";
import type { MessageToProduce, Producer } from "@platformatic/kafka";
import { recordBytes } from "../../protocol/index.ts";
import type { ProduceAnswer, RecordToAppend, Refused } from "../log/index.ts";
import { patiently } from "./patience.ts";
import { clusterRetryAfter, messageOf, refusalOfAppend, unavailable, writtenAt } from "./errors.ts";

export interface Appender {
  /**
   * Records of one partition that exists; one answer each, in order. Rejects with `LogUnavailable` when some
   * may have been appended and some not.
   */
  append(
    topic: string,
    partition: number,
    leader: number,
    records: readonly RecordToAppend[],
  ): Promise<readonly ProduceAnswer[]>;
  /** Bytes that wait for the cluster. */
  readonly queuedBytes: number;
}

interface Waiting {
  readonly record: RecordToAppend;
  readonly bytes: number;
  /** Epoch ms. */
  readonly since: number;
  readonly answer: (answer: ProduceAnswer) => void;
  readonly fail: (cause: unknown) => void;
}

interface Lane {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  queue: Waiting[];
}

/** Below Kafka's default limit of a batch (`max.message.bytes`, 1,048,588), headers of batch and records included. */
const maxBatchBytes = 900_000;
/** More than the fixed part of a record in a batch takes. */
const overheadBytes = 64;
const allReplicas = -1;

/**
 * `maxQueuedBytes`: what waits for the cluster at most; more is refused at once, so that a slow cluster costs
 * time and not memory. `maxWaitMs`: what has waited longer for its turn is refused without having been sent.
 */
export function createAppender(
  producer: Pick<Producer, "send" | "connectToBrokers">,
  { maxQueuedBytes = 64 * 1024 * 1024, maxWaitMs = 10_000, now = Date.now } = {},
): Appender {
  const lanes = new Map<string, Lane>();
  let queuedBytes = 0;

  /** Sends batch after batch until the lane is empty. Never rejects. */
  async function run(key: string, lane: Lane): Promise<void> {
    while (lane.queue.length > 0) {
      const batch = takeBatch(lane);
      for (const { bytes } of batch) queuedBytes -= bytes;
      if (batch.length > 0) await send(lane, batch);
    }
    lanes.delete(key);
  }

  function takeBatch(lane: Lane): readonly Waiting[] {
    let bytes = 0;
    const end = lane.queue.findIndex((waiting, index) => {
      bytes += waiting.bytes;
      return bytes > maxBatchBytes && index > 0;
    });
    const batch = end < 0 ? lane.queue : lane.queue.slice(0, end);
    lane.queue = end < 0 ? [] : lane.queue.slice(end);
    const oldest = now() - maxWaitMs;
    return batch.filter((waiting) => {
      if (waiting.since >= oldest) return true;
      queuedBytes -= waiting.bytes;
      waiting.answer(refusal("the cluster is too slow: the record waited too long to be sent"));
      return false;
    });
  }

  async function send(lane: Lane, batch: readonly Waiting[]): Promise<void> {
    try {
      // Apart from sending: when this fails, nothing was written.
      await producer.connectToBrokers([lane.leader]);
    } catch (cause) {
      for (const { answer } of batch) answer(refusal(`the cluster cannot be reached: ${messageOf(cause)}`));
      return;
    }
    const sentAt = now();
    try {
      const messages = batch.map(({ record }) => toMessage(lane, record, sentAt));
      const { offsets } = await patiently(() =>
        // The client would repeat errors that may come after a write.
        producer.send({
          acks: allReplicas,
          autocreateTopics: false,
          repeatOnStaleMetadata: false,
          messages,
        }),
      );
      const [written] = offsets ?? [];
      if (written === undefined) throw new RangeError("the cluster acknowledged a batch without an offset");
      for (const [index, { record, answer }] of batch.entries()) {
        // Not always the lane's: a topic may just have been created anew with fewer partitions.
        const { topic, partition } = written;
        answer({
          topic,
          partition,
          offset: Number(written.offset) + index,
          timestamp: record.timestamp ?? sentAt,
        });
      }
    } catch (cause) {
      await settleFailure(lane, batch, cause);
    }
  }

  async function settleFailure(lane: Lane, batch: readonly Waiting[], cause: unknown): Promise<void> {
    const refused = refusalOfAppend(cause);
    if (refused === undefined) {
      const { topic, partition } = lane;
      const base = writtenAt(cause);
      const unsettled = base === undefined ? [] : [{ topic, partition, offset: base + batch.length }];
      for (const { fail } of batch) fail(unavailable(cause, unsettled));
    } else if (batch.length > 1 && refused.why !== "unavailable") {
      // One bad record fails its whole batch: alone, each gets the answer that is its own.
      for (const each of batch) await send(lane, [each]);
    } else {
      for (const { answer } of batch) answer(refused);
    }
  }

  return {
    get queuedBytes() {
      return queuedBytes;
    },

    append(topic, partition, leader, records) {
      const key = `${topic}/${partition}`;
      const known = lanes.get(key);
      const lane = known ?? { topic, partition, leader, queue: [] };
      lane.leader = leader;
      const since = now();
      const answers = records.map(async (record): Promise<ProduceAnswer> => {
        const bytes = recordBytes(record) + overheadBytes;
        if (queuedBytes + bytes > maxQueuedBytes) return refusal("too much waits for the cluster already");
        queuedBytes += bytes;
        return new Promise<ProduceAnswer>((answer, fail) => {
          lane.queue.push({ record, bytes, since, answer, fail });
        });
      });
      if (known === undefined) {
        lanes.set(key, lane);
        void run(key, lane);
      }
      return Promise.all(answers);
    },
  };
}

function toMessage(
  lane: Lane,
  { key, value, headers, timestamp }: RecordToAppend,
  sentAt: number,
): MessageToProduce {
  return {
    topic: lane.topic,
    partition: lane.partition,
    timestamp: BigInt(timestamp ?? sentAt),
    ...(key === null ? {} : { key: asBuffer(key) }),
    ...(value === null ? {} : { value: asBuffer(value) }),
    // Buffers are compared by identity, so a Map of them keeps headers of the same name, in order.
    headers: new Map(headers.map((header) => [Buffer.from(header.key), asBuffer(header.value)])),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refusal(refused: string): Refused {
  return { refused, why: "unavailable", retryAfter: clusterRetryAfter };
}
