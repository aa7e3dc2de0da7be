// The Kafka port over `@upstash/kafka`, through the bridge's `/hearback` prefix. The SDK repeats every
// failed call five times over 15.5 s, cannot be aborted and hides why it failed. So each call here has a
// deadline of its own. A read has failed with its first attempt, and whoever reads decides when to try again;
// a produce may be repeated as long as its request waits, since the bridge absorbs repeats by X-Produce-ID.

import { Kafka } from "@upstash/kafka";
import {
  fromWireRecord,
  hearbackPrefix,
  readHeader,
  recordHeaders,
  toWireNewRecord,
  type GroupState,
  type NewRecord,
  type ProduceOutcome,
  type WireOffset,
  type WirePosition,
  type WireProduceAnswer,
  type WireRecord,
} from "../protocol/index.ts";
import { withDeadline } from "./deadline.ts";
import { limitAttempts } from "./sdk-attempts.ts";
import type { KafkaPort, KafkaRead, LogPosition } from "./port.ts";

export interface KafkaRestCredentials {
  /** Base URL of the Kafka REST API, without the `/hearback` prefix. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** A deadline that lets the first attempt through and no other. */
const onlyOnce = 0;
/** How long after its wait a poll may still answer before it is given up: transfer and parsing of 4 MiB. */
const pollGraceMs = 2_000;

export function createUpstashKafka(credentials: KafkaRestCredentials): KafkaPort {
  const { username, password } = credentials;
  const url = credentials.url.replace(/\/$/, "") + hearbackPrefix;
  const kafka = new Kafka({ url, username, password });
  const producer = kafka.producer();
  const consumer = kafka.consumer();
  const admin = kafka.admin();

  /**
   * Past the SDK: what it asks without a body it repeats with nothing to tell of a failed attempt, and what is ours
   * alone it does not know.
   */
  async function get(path: string, timeoutMs: number): Promise<unknown> {
    const response = await fetch(url + path, {
      headers: { authorization: `Basic ${btoa(`${username}:${password}`)}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the bridge answered ${response.status}`);
    }
    return response.json();
  }

  return {
    async produce(record, timeoutMs): Promise<ProduceOutcome> {
      const wire = toWireNewRecord(record);
      // The SDK spreads its options last, so this is the body as it stands. Its types know neither a null
      // key or value nor a read-only list of headers; JSON does.
      const { body } = limitAttempts(wire, lastUseOf(record) ?? Date.now() + timeoutMs);
      const options = body as unknown as Parameters<typeof producer.produce>[2];
      const call = producer.produce(wire.topic, "", options);
      const settled = await withDeadline(call, timeoutMs);
      if (settled.status !== "done") return { status: "unknown" };
      const answer = settled.value as unknown as WireProduceAnswer | null | undefined;
      if (typeof answer !== "object" || answer === null) return { status: "unknown" };
      if ("refused" in answer) {
        const { refused: reason, why, retryAfter } = answer;
        return { status: "refused", reason, why, retryAfter };
      }
      return { status: "appended", partition: answer.partition, offset: answer.offset };
    },

    async fetch(positions, waitMs) {
      const topicPartitionOffsets: WirePosition[] = positions.map(toWirePosition);
      const attempts = limitAttempts({ topicPartitionOffsets, timeout: waitMs }, onlyOnce);
      // parallel: false, or the SDK opens one long poll per partition.
      const call = consumer.fetch(attempts.body, { parallel: false });
      return read(call, attempts.failed, waitMs + pollGraceMs, (answer) =>
        (answer as unknown as WireRecord[]).map(fromWireRecord),
      );
    },

    async offsets(query, partitions, timeoutMs) {
      const attempts = limitAttempts(
        partitions.map(({ topic, partition }) => ({ topic, partition })),
        onlyOnce,
      );
      const call = admin.topicPartitionOffsets({ timestamp: query, topicPartitions: attempts.body });
      return read(call, attempts.failed, timeoutMs, (answer) => answer as unknown as WireOffset[]);
    },

    async topics(timeoutMs) {
      return read(get("/topics", timeoutMs), undefined, timeoutMs, (topics) => {
        return new Map(Object.entries(topics as Record<string, number>));
      });
    },

    async groupState(group, topic, unreadMs, timeoutMs) {
      const path = `/group/${encodeURIComponent(group)}/${encodeURIComponent(topic)}?unread-ms=${unreadMs}`;
      return read(get(path, timeoutMs), undefined, timeoutMs, readGroupState);
    },
  };
}

/** Throws for what is none: a peer that does not know the question may answer anything. */
function readGroupState(answer: unknown): GroupState {
  const { members, isBehind } = answer as Partial<GroupState>;
  if (typeof members !== "number" || typeof isBehind !== "boolean") {
    throw new TypeError("the bridge's answer is not the state of a group");
  }
  return { members, isBehind };
}

function toWirePosition({ topic, partition, offset, log }: LogPosition): WirePosition {
  return { topic, partition, offset, ...(log === "" ? {} : { log }) };
}

/** Epoch ms until which somebody waits for what a request leads to; undefined for other records. */
function lastUseOf({ headers }: NewRecord): number | undefined {
  const deadline = Number(readHeader(headers, recordHeaders.deadline));
  return Number.isFinite(deadline) ? deadline : undefined;
}

/** `failed` ends the read before the SDK gives up. */
async function read<Answer, T>(
  call: Promise<Answer>,
  failed: Promise<void> | undefined,
  timeoutMs: number,
  decode: (answer: Answer) => T,
): Promise<KafkaRead<T>> {
  const answer = failed === undefined ? call : Promise.race([call, failed.then(failedAttempt)]);
  const settled = await withDeadline(answer, timeoutMs);
  if (settled.status === "late") return { status: "unreachable", cause: "no answer before the deadline" };
  if (settled.status === "failed") return { status: "unreachable", cause: settled.cause };
  try {
    return { status: "read", value: decode(settled.value) };
  } catch (cause) {
    return { status: "unreachable", cause };
  }
}

function failedAttempt(): never {
  throw new Error("the bridge did not answer, or with an error");
}
