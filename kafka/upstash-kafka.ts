// The Kafka port over `@upstash/kafka`, through the bridge's `/hearback` prefix. Paths, bodies and answers are the SDK's;
// its HTTP is not: that repeats every failed call five times over 15.5 s, cannot be aborted, follows redirects, reads
// whatever comes to its end, and hides why it failed. Each call here is one attempt that ends in its time. Who asks
// decides whether to ask again.

import { Kafka } from "@upstash/kafka";
import {
  hearbackPrefix,
  readGroupState,
  readOffsets,
  readProduceAnswer,
  readRecordsFrom,
  readTopics,
  toWireNewRecord,
  type ProduceOutcome,
  type WirePosition,
} from "../protocol/index.ts";
import type { KafkaPort, KafkaRead, LogPosition } from "./port.ts";
import { callRest, failureOf, maxAnswerBytes } from "./rest-call.ts";

export interface KafkaRestCredentials {
  /** Base URL of the Kafka REST API, without the `/hearback` prefix. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** How long after its wait a poll may still answer before it is given up: transfer and parsing of 4 MiB. */
const pollGraceMs = 2_000;

interface Limits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** What the SDK hands to its HTTP client. */
interface SdkRequest {
  readonly path: readonly string[];
  readonly body?: unknown;
}

export function createUpstashKafka(credentials: KafkaRestCredentials): KafkaPort {
  const { username, password } = credentials;
  const url = credentials.url.replace(/\/$/, "") + hearbackPrefix;
  const headers = {
    "content-type": "application/json",
    authorization: `Basic ${btoa(`${username}:${password}`)}`,
  };
  const sdk = new Kafka({ url, username, password });
  if (!("client" in sdk))
    throw new TypeError("this version of @upstash/kafka keeps its HTTP client elsewhere");

  /** Throws where there is no JSON to be had. */
  async function send(
    method: "GET" | "POST",
    { path, body }: SdkRequest,
    { timeoutMs, maxBytes }: Limits,
  ): Promise<unknown> {
    const answer = await callRest([url, ...path].join("/"), {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
      maxBytes,
    });
    if (answer.status === "lost") throw answer.cause;
    if (answer.status === "failed") throw new Error(failureOf(answer));
    return answer.json;
  }

  /** The SDK for one call, over our HTTP. Its producers, consumers and admins take their client from it. */
  function within(limits: Limits): Kafka {
    const client = {
      get: (request: SdkRequest) => send("GET", request, limits),
      post: (request: SdkRequest) => send("POST", request, limits),
    };
    return Object.create(sdk, { client: { value: client } }) as Kafka;
  }

  return {
    async produce(record, timeoutMs): Promise<ProduceOutcome> {
      const wire = toWireNewRecord(record);
      const producer = within({ timeoutMs, maxBytes: maxAnswerBytes.others }).producer();
      // The SDK spreads its options last, so this is the body as it stands. Its types know neither a null
      // key or value nor a read-only list of headers; JSON does.
      const options = wire as unknown as Parameters<typeof producer.produce>[2];
      const produced = await read(producer.produce(wire.topic, "", options), (answer) =>
        readProduceAnswer(answer, wire.topic),
      );
      if (produced.status !== "read") return { status: "unknown", cause: produced.cause };
      const answer = produced.value;
      if ("refused" in answer) {
        const { refused: reason, why, retryAfter } = answer;
        return { status: "refused", reason, why, retryAfter };
      }
      return { status: "appended", partition: answer.partition, offset: answer.offset };
    },

    async fetch(positions, waitMs) {
      const topicPartitionOffsets: WirePosition[] = positions.map(toWirePosition);
      const consumer = within({
        timeoutMs: waitMs + pollGraceMs,
        maxBytes: maxAnswerBytes.records,
      }).consumer();
      // parallel: false, or the SDK opens one long poll per partition.
      const call = consumer.fetch({ topicPartitionOffsets, timeout: waitMs }, { parallel: false });
      return read(call, (answer) => readRecordsFrom(answer, topicPartitionOffsets));
    },

    async offsets(query, partitions, timeoutMs) {
      const topicPartitions = partitions.map(({ topic, partition }) => ({ topic, partition }));
      const admin = within({ timeoutMs, maxBytes: maxAnswerBytes.offsets }).admin();
      const call = admin.topicPartitionOffsets({ timestamp: query, topicPartitions });
      return read(call, (answer) => readOffsets(answer, topicPartitions));
    },

    async topics(timeoutMs) {
      return read(within({ timeoutMs, maxBytes: maxAnswerBytes.topics }).admin().topics(), readTopics);
    },

    async groupState(group, topic, unreadMs, timeoutMs) {
      // Ours alone: the SDK has no word for it.
      const path = ["group", encodeURIComponent(group), `${encodeURIComponent(topic)}?unread-ms=${unreadMs}`];
      return read(send("GET", { path }, { timeoutMs, maxBytes: maxAnswerBytes.others }), readGroupState);
    },
  };
}

function toWirePosition({ topic, partition, offset, log }: LogPosition): WirePosition {
  return { topic, partition, offset, ...(log === "" ? {} : { log }) };
}

async function read<T>(
  call: Promise<unknown>,
  decode: (answer: unknown) => T | undefined,
): Promise<KafkaRead<T>> {
  try {
    const value = decode(await call);
    if (value !== undefined) return { status: "read", value };
    return { status: "unreachable", cause: new TypeError("the answer is not one of the bridge") };
  } catch (cause) {
    return { status: "unreachable", cause };
  }
}
