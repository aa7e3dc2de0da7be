// The options of a responder: their defaults and the rules they keep.

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  clockSkewAllowanceMs,
  logCause,
  logText,
  type DeadLetterReason,
  type StandardSchemaV1,
} from "../protocol/index.ts";
import { isTopicName } from "../kafka/log/index.ts";
import type { ResponderContext } from "./exchange.ts";
import type { BridgeConnection, KafkaConnection } from "./kafka.ts";
import type { Order } from "./lanes.ts";
import type { HandlerReply, RequestMessage } from "./message.ts";

/**
 * Answers one request: by what it returns, or through its context. Nothing at all is a 204. What it throws is a
 * 502 `responder_failed` at once, without a word of why.
 */
export type Handler<Input = undefined> = (
  request: RequestMessage<Input>,
  context: ResponderContext,
) => HandlerReply | void | Promise<HandlerReply | void>;

/** Something worth a line in a log. */
export type ResponderEvent =
  /** Kafka was lost, or is reached again. */
  | { readonly type: "connection"; readonly message: string }
  /** Requests show that this machine's clock and that of whoever asks differ, or that they come too late. Once a minute. */
  | { readonly type: "clock"; readonly message: string }
  /** It threw, or misused its context. */
  | { readonly type: "handler-failed"; readonly correlationId: string; readonly cause: unknown }
  /** So many requests behind this one are finished that reading waits for it. */
  | ({ readonly type: "stalled" } & RecordPlace)
  | ({ readonly type: "dead-letter"; readonly reason: DeadLetterReason } & RecordPlace)
  /** Kafka did not take a reply or a dead letter, for good or as long as it was of use. */
  | ({ readonly type: "unsent"; readonly reason: string } & RecordPlace);

/** Where the request is in Kafka. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly correlationId?: string;
}

export interface ResponderOptions<Input = undefined> {
  /** The cluster, or the bridge: `{ bridge, username, password }`. */
  readonly kafka: KafkaConnection | BridgeConnection;
  /** Request topics. All responders of one group share their partitions. */
  readonly topic: string | readonly string[];
  /** Topics that may be answered to, as names or as prefixes that end in `*`. Requests that name others are dead
   * letters. The first reply to a topic with its name here creates it. */
  readonly replyTopics: readonly string[];
  readonly handler: Handler<Input>;
  /** Schema of the JSON body, of any Standard Schema library. A body that breaks it is a 422 with all that is wrong. */
  readonly input?: StandardSchemaV1<unknown, Input>;
  /**
   * Consumer group.
   * @default the first topic, with `.responders` behind it
   */
  readonly group?: string;
  /**
   * Name of this instance: of the member in its group, where it must be unique, and in `X-Responder`.
   * @default host name, process ID and four random digits
   */
  readonly name?: string;
  /**
   * Requests handled at once. While that many are under way reading pauses.
   * @default 64
   */
  readonly concurrency?: number;
  /**
   * `"key"`: requests with the same record key are handled one after another.
   * @default "none"
   */
  readonly order?: Order;
  /**
   * Where what cannot be answered goes.
   * @default the request topic, with `.dead-letters` behind it
   */
  readonly deadLetterTopic?: string;
  /**
   * How long this instance may be silent before others take its partitions over, in ms (6000 to 1800000).
   * @default 10000
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How long `stop` waits for what is under way, in ms. What has not ended by then is left to whoever reads next.
   * @default 25000
   */
  readonly stopTimeoutMs?: number;
  /**
   * How far this machine's clock and the gateway's may differ, in ms: what expired no longer ago is handled. Too little, and
   * what somebody waits for is skipped; more than needed, and as much is handled after an outage that nobody waits for.
   * @default 5000
   */
  readonly clockSkewMs?: number;
  /** Without it every event is a line on standard error. */
  readonly onEvent?: (event: ResponderEvent) => void;
}

export interface Settled<Input> extends Required<
  Omit<ResponderOptions<Input>, "topic" | "input" | "deadLetterTopic">
> {
  readonly topics: readonly string[];
  readonly input: StandardSchemaV1<unknown, Input> | undefined;
  readonly deadLetterTopicOf: (requestTopic: string) => string;
}

/** Throws a RangeError that names the option. */
export function settleOptions<Input>(options: ResponderOptions<Input>): Settled<Input> {
  const { topic, deadLetterTopic, ...rest } = options;
  const topics = typeof topic === "string" ? [topic] : topic;
  const [first = ""] = topics;
  const settled: Settled<Input> = {
    ...rest,
    topics,
    input: options.input,
    group: options.group ?? `${first}.responders`,
    name: options.name ?? defaultName(),
    concurrency: options.concurrency ?? 64,
    order: options.order ?? "none",
    deadLetterTopicOf: (requestTopic) => deadLetterTopic ?? `${requestTopic}.dead-letters`,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    stopTimeoutMs: options.stopTimeoutMs ?? 25_000,
    clockSkewMs: options.clockSkewMs ?? clockSkewAllowanceMs,
    onEvent: carefully(options.onEvent ?? ((event) => print(options.group ?? `${first}.responders`, event))),
  };
  const { concurrency, sessionTimeoutMs, stopTimeoutMs, clockSkewMs, replyTopics } = settled;
  rule(topics.length > 0, "topic names no topic");
  for (const each of topics) rule(isTopicName(each), `topic: "${each}" is no name of a topic`);
  rule(replyTopics.length > 0, "replyTopics is empty: nothing could be answered");
  for (const each of replyTopics) {
    rule(isTopicName(each.replace(/\*$/, "") || "x"), `replyTopics: "${each}" is no name or prefix of one`);
  }
  for (const each of topics) {
    const letters = settled.deadLetterTopicOf(each);
    rule(isTopicName(letters), `deadLetterTopic: "${letters}" is no name of a topic`);
    rule(!topics.includes(letters), `deadLetterTopic: "${letters}" is a request topic`);
  }
  rule(isTopicName(settled.group), `group: "${settled.group}" is no name of a group`);
  rule(isTopicName(settled.name), `name: "${settled.name}" has characters other than a-z A-Z 0-9 . _ -`);
  rule(Number.isInteger(concurrency) && concurrency >= 1, "concurrency is not a whole number from 1 on");
  rule(
    Number.isInteger(sessionTimeoutMs) && sessionTimeoutMs >= 6_000 && sessionTimeoutMs <= 1_800_000,
    "sessionTimeoutMs is not a whole number from 6000 to 1800000, the bounds of Kafka's brokers",
  );
  rule(
    Number.isInteger(stopTimeoutMs) && stopTimeoutMs >= 0,
    "stopTimeoutMs is not a whole number from 0 on",
  );
  rule(Number.isInteger(clockSkewMs) && clockSkewMs >= 0, "clockSkewMs is not a whole number from 0 on");
  return settled;
}

/** Whoever listens must not be able to stop the work. */
function carefully(listen: (event: ResponderEvent) => void): (event: ResponderEvent) => void {
  return (event) => {
    try {
      listen(event);
    } catch (cause) {
      console.error(`onEvent of the responder threw: ${logCause(cause)}`);
    }
  };
}

function rule(holds: boolean, message: string): void {
  if (!holds) throw new RangeError(`responder: ${message}`);
}

function defaultName(): string {
  const host = hostname().replaceAll(/[^a-zA-Z0-9._-]/g, "-");
  return `${host}-${process.pid}-${randomBytes(2).toString("hex")}`;
}

function print(group: string, event: ResponderEvent): void {
  console.error(logLine(group, event));
}

/** Whoever may write requests chooses the ID in it, and what a handler throws may quote a body. */
export function logLine(group: string, event: ResponderEvent): string {
  const why = event.type === "handler-failed" ? `: ${logCause(event.cause)}` : "";
  return `${group}: ${describe(event)}${why}`;
}

function describe(event: ResponderEvent): string {
  switch (event.type) {
    case "connection":
    case "clock":
      return logText(event.message);
    case "handler-failed":
      return `the handler failed on ${logText(event.correlationId)}`;
    case "stalled":
      return `reading waits for ${placeOf(event)}: too much behind it is finished`;
    case "dead-letter":
      return `${placeOf(event)} is a dead letter: ${event.reason}`;
    case "unsent":
      return `nothing could be sent for ${placeOf(event)}: ${logText(event.reason)}`;
  }
}

function placeOf({ topic, partition, offset, correlationId }: RecordPlace): string {
  return `${topic}/${partition}/${offset}${correlationId === undefined ? "" : ` (${logText(correlationId)})`}`;
}
