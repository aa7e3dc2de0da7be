// The Kafka port over `@upstash/kafka`, through the bridge's `/hearback` prefix. The SDK repeats every
// failed call five times over 15.5 s, cannot be aborted and hides why it failed; so each call here has
// a deadline of its own, and what the SDK still does after it is harmless: reads are safe to repeat and
// the bridge absorbs repeated produces by X-Produce-ID.

import { Kafka } from "@upstash/kafka";
import {
  fromWireRecord,
  hearbackPrefix,
  toWireNewRecord,
  type ProduceOutcome,
  type WireOffset,
  type WirePosition,
  type WireProduceAnswer,
  type WireRecord,
} from "../protocol/index.ts";
import { withDeadline } from "./deadline.ts";
import type { KafkaPort, KafkaRead, LogPosition } from "./port.ts";

export interface KafkaRestCredentials {
  /** Base URL of the Kafka REST API, without the `/hearback` prefix. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** How long after its wait a poll may still answer before it is given up: transfer and parsing of 4 MiB. */
const pollGraceMs = 2_000;

export function createUpstashKafka(credentials: KafkaRestCredentials): KafkaPort {
  const kafka = new Kafka({
    url: credentials.url.replace(/\/$/, "") + hearbackPrefix,
    username: credentials.username,
    password: credentials.password,
  });
  const producer = kafka.producer();
  const consumer = kafka.consumer();
  const admin = kafka.admin();

  return {
    async produce(record, timeoutMs): Promise<ProduceOutcome> {
      const wire = toWireNewRecord(record);
      // The SDK spreads its options last, so this is the body as it stands. Its types know neither a null
      // key or value nor a read-only list of headers; JSON does.
      const options = wire as unknown as Parameters<typeof producer.produce>[2];
      const call = producer.produce(wire.topic, "", options);
      const settled = await withDeadline(call, timeoutMs);
      if (settled.status !== "done") return { status: "unknown" };
      const answer = settled.value as unknown as WireProduceAnswer | null | undefined;
      if (typeof answer !== "object" || answer === null) return { status: "unknown" };
      if ("refused" in answer) {
        return { status: "refused", reason: answer.refused, retryAfter: answer.retryAfter };
      }
      return { status: "appended", partition: answer.partition, offset: answer.offset };
    },

    async fetch(positions, waitMs) {
      const topicPartitionOffsets: WirePosition[] = positions.map(toWirePosition);
      // parallel: false, or the SDK opens one long poll per partition.
      const call = consumer.fetch({ topicPartitionOffsets, timeout: waitMs }, { parallel: false });
      return read(call, waitMs + pollGraceMs, (answer) =>
        (answer as unknown as WireRecord[]).map(fromWireRecord),
      );
    },

    async offsets(query, partitions, timeoutMs) {
      const call = admin.topicPartitionOffsets({
        timestamp: query,
        topicPartitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
      });
      return read(call, timeoutMs, (answer) => answer as unknown as WireOffset[]);
    },

    async topics(timeoutMs) {
      return read(admin.topics(), timeoutMs, (answer) => new Map(Object.entries(answer)));
    },
  };
}

function toWirePosition({ topic, partition, offset, log }: LogPosition): WirePosition {
  return { topic, partition, offset, ...(log === "" ? {} : { log }) };
}

async function read<Answer, T>(
  call: Promise<Answer>,
  timeoutMs: number,
  decode: (answer: Answer) => T,
): Promise<KafkaRead<T>> {
  const settled = await withDeadline(call, timeoutMs);
  if (settled.status === "late") return { status: "unreachable", cause: "no answer before the deadline" };
  if (settled.status === "failed") return { status: "unreachable", cause: settled.cause };
  try {
    return { status: "read", value: decode(settled.value) };
  } catch (cause) {
    return { status: "unreachable", cause };
  }
}
