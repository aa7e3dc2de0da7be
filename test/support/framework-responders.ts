// Responders as other frameworks have them, one per dialect: each knows its framework's record headers and nothing of
// ours, compares names as they are spelled, and answers as that framework does. Written after their sources: nothing
// here may come from protocol/.

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { Log, LogPosition } from "../../kafka/log/index.ts";
import { atOnce } from "./bridge.ts";

/** A record as a Kafka client hands it out. */
interface Message {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array }[];
}

interface Outgoing extends Message {
  readonly topic: string;
  /** Absent: the producer's partitioner chooses. */
  readonly partition?: number;
}

/** What the service behind a framework is asked to do. */
export interface Work {
  readonly text: string;
  /** A status, where the framework has a word for one. */
  readonly status?: string;
  /** What it throws. */
  readonly error?: string;
}

/** Undefined: nothing that this framework would answer. */
type Framework = (request: Message, topic: string) => Outgoing | undefined;

/** Where services answer that are not told. */
export const fixedReplyTopic = "replies";

function last(message: Message, name: string): Buffer | undefined {
  const found = message.headers.findLast(({ key }) => key === name);
  return found && Buffer.from(found.value);
}

function header(key: string, value: string | Uint8Array) {
  return { key, value: Buffer.from(value as string) };
}

function workOf({ value }: Message): Work {
  return JSON.parse(Buffer.from(value ?? []).toString()) as Work;
}

function textOf(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/**
 * A `@KafkaListener` with `@SendTo`: the correlation header's bytes and the request's key go back. What it throws is
 * published to the reply topic by a `DeadLetterPublishingRecoverer`, with all that the request had.
 */
function spring(idLength?: number): Framework {
  return (request, topic) => {
    const correlation = last(request, "kafka_correlationId");
    const replyTopic = last(request, "kafka_replyTopic")?.toString();
    const partition = last(request, "kafka_replyPartition")?.readInt32BE(0);
    if (correlation === undefined || replyTopic === undefined) return undefined;
    if (idLength !== undefined && correlation.byteLength !== idLength) throw new Error("no UUID in bytes");
    const to = { topic: replyTopic, ...(partition === undefined ? {} : { partition }) };
    const { text, error } = workOf(request);
    if (error !== undefined) {
      const added = [
        header("kafka_dlt-original-topic", topic),
        header(
          "kafka_dlt-exception-fqcn",
          "org.springframework.kafka.listener.ListenerExecutionFailedException",
        ),
        header("kafka_dlt-exception-message", error),
      ];
      return { ...to, key: request.key, value: request.value, headers: [...request.headers, ...added] };
    }
    return {
      ...to,
      key: request.key,
      value: textOf({ spring: text }),
      headers: [header("kafka_correlationId", correlation)],
    };
  };
}

/** `KafkaParser.decode`, as far as headers go. */
function nestDecode(value: Buffer | undefined): string | Buffer | undefined {
  return value === undefined || value[0] === 0 ? value : value.toString();
}

/** `ServerKafka` with a handler that returns one value, or throws an `RpcException`. */
const nest: Framework = (request) => {
  const correlationId = nestDecode(last(request, "kafka_correlationId"));
  const replyTopic = nestDecode(last(request, "kafka_replyTopic"));
  const replyPartition = nestDecode(last(request, "kafka_replyPartition"));
  if (!correlationId || typeof replyTopic !== "string") return undefined;
  const { text, error } = workOf(request);
  const partition = replyPartition === undefined ? undefined : Number.parseFloat(replyPartition as string);
  if (Number.isNaN(partition)) throw new Error("the reply partition is no text");
  const said =
    error === undefined
      ? { value: textOf({ nest: text }), headers: [] }
      : {
          value: null,
          headers: [header("kafka_nest-err", JSON.stringify({ status: "error", message: error }))],
        };
  return {
    topic: replyTopic,
    ...(partition === undefined ? {} : { partition }),
    key: null,
    value: said.value,
    headers: [
      header("kafka_correlationId", correlationId),
      ...said.headers,
      { key: "kafka_nest-is-disposed", value: Buffer.alloc(1) },
    ],
  };
};

/** A processor between two channels: the connector finds the way back by itself. */
const smallrye: Framework = (request) => {
  const correlation = last(request, "REPLY_CORRELATION_ID");
  const topic = last(request, "REPLY_TOPIC")?.toString();
  const partition = last(request, "REPLY_PARTITION")?.readInt32BE(0);
  if (correlation === undefined || topic === undefined) return undefined;
  return {
    topic,
    ...(partition === undefined ? {} : { partition }),
    key: null,
    value: textOf({ smallrye: workOf(request).text }),
    headers: [header("REPLY_CORRELATION_ID", correlation)],
  };
};

/** A service behind the http-kafka binding. */
const zilla: Framework = (request) => {
  const correlation = last(request, "zilla:correlation-id");
  const topic = last(request, "zilla:reply-to")?.toString();
  if (correlation === undefined || topic === undefined) return undefined;
  const { text, status = "200" } = workOf(request);
  const asked = `${last(request, ":method")?.toString()} ${last(request, ":path")?.toString()}`;
  return {
    topic,
    key: Buffer.from("customer-7"),
    value: textOf({ zilla: text, asked }),
    headers: [
      header(":status", status),
      header("content-type", "application/vnd.zilla+json"),
      header("zilla:correlation-id", correlation),
    ],
  };
};

const rig: Framework = (request) => {
  const correlation = last(request, "rig-correlation");
  if (correlation === undefined) return undefined;
  const { text, status = "200" } = workOf(request);
  return {
    topic: fixedReplyTopic,
    key: Buffer.from("response"),
    value: textOf({ rig: text }),
    headers: [
      header("rig-correlation", correlation),
      header("rig-response-code", status),
      header("content-type", "application/vnd.rig+json"),
    ],
  };
};

/** It sends back every header that it got, its own status last: many who write such a service by hand do so. */
const kafkaHooks: Framework = (request) => {
  if (last(request, "x-plt-kafka-hooks-correlation-id") === undefined) return undefined;
  const { text, status } = workOf(request);
  const query = last(request, "x-plt-kafka-hooks-query-string")?.toString() ?? "{}";
  const parameters = last(request, "x-plt-kafka-hooks-path-params")?.toString() ?? "{}";
  return {
    topic: fixedReplyTopic,
    key: null,
    value: textOf({ hooks: text, query: JSON.parse(query), parameters: JSON.parse(parameters) }),
    headers: [...request.headers, ...(status === undefined ? [] : [header("x-status-code", status)])],
  };
};

/** Reads an event in the binary mode, leaves expired ones alone, and answers with an event of its own. */
const cloudevents: Framework = (request) => {
  const attribute = (name: string) => last(request, `ce_${name}`)?.toString() ?? "";
  if (attribute("specversion") !== "1.0") return undefined;
  for (const required of ["id", "source", "type", "correlationid"]) {
    if (attribute(required) === "") throw new Error(`the event has no ${required}`);
  }
  if (!(Date.parse(attribute("time")) <= Date.now() && Date.now() < Date.parse(attribute("expirytime")))) {
    return undefined;
  }
  const mediaType = last(request, "content-type")?.toString();
  return {
    topic: fixedReplyTopic,
    key: null,
    value: textOf({
      event: workOf(request).text,
      type: attribute("type"),
      source: attribute("source"),
      mediaType,
    }),
    headers: [
      header("ce_specversion", "1.0"),
      header("ce_id", randomUUID()),
      header("ce_source", "/answers"),
      header("ce_type", "com.example.answered"),
      header("ce_time", new Date().toISOString()),
      header("ce_correlationid", attribute("correlationid")),
      header("ce_causationid", attribute("id")),
      header("content-type", "application/vnd.event+json"),
    ],
  };
};

export const frameworks = {
  spring: spring(),
  "spring-binary": spring(16),
  nest,
  smallrye,
  zilla,
  rig,
  "kafka-hooks": kafkaHooks,
  cloudevents,
} as const satisfies Readonly<Record<string, Framework>>;

export interface FrameworkResponder {
  /** Requests read so far. */
  readonly received: number;
  /** What a service threw itself, or found wrong with its requests. */
  readonly faults: readonly unknown[];
  stop(): Promise<void>;
}

/** Serves all partitions of a request topic, as they are at the start. */
export function startFramework(log: Log, topic: string, framework: Framework): FrameworkResponder {
  const stopped = new AbortController();
  const faults: unknown[] = [];
  let received = 0;

  async function run(): Promise<void> {
    let positions: readonly LogPosition[] = Array.from(
      { length: await log.partitionCount(topic) },
      (_, partition) => ({ topic, partition, offset: 0 }),
    );
    while (!stopped.signal.aborted) {
      const requests = await log.fetch(positions, { ...atOnce, timeoutMs: 60_000, signal: stopped.signal });
      for (const request of requests) {
        received++;
        try {
          const reply = framework(request, topic);
          if (reply !== undefined) await log.produce([reply]);
        } catch (fault) {
          faults.push(fault);
        }
        positions = positions.map((position) =>
          position.partition === request.partition ? { ...position, offset: request.offset + 1 } : position,
        );
      }
    }
  }
  const running = run();

  return {
    faults,
    get received() {
      return received;
    },
    stop() {
      stopped.abort();
      return running;
    },
  };
}
