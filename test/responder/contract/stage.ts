// What a test of the kit plays on: topics of its own, requests put into them, replies and dead letters read out,
// and responders that end with the test.

import { onTestFinished, expect } from "vitest";
import type { Log } from "../../../kafka/log/index.ts";
import {
  decodeText,
  encodeRequest,
  encodeText,
  readHeader,
  type KafkaRecord,
  type NewRecord,
  type RequestEnvelope,
} from "../../../protocol/index.ts";
import {
  createResponder,
  type BridgeConnection,
  type Handler,
  type KafkaConnection,
  type Responder,
  type ResponderEvent,
  type ResponderOptions,
} from "../../../responder/index.ts";
import { atOnce, newName } from "../../support/bridge.ts";

/** What the kit connects to, and a way into the log below it that does not lead through the kit. */
export interface Home {
  readonly connection: KafkaConnection | BridgeConnection;
  readonly log: Log;
  createTopic(name: string, partitions: number): Promise<void>;
  addPartitions(name: string, count: number): Promise<void>;
}

export interface RunningResponder extends Responder {
  /** What went wrong with requests. */
  readonly events: readonly ResponderEvent[];
  /** What was said of the connection. */
  readonly connection: readonly string[];
  /** Stops, and waits for what is under way. */
  finish(): Promise<void>;
}

/** Groups form within seconds, and a member that is gone is missed after its session timeout. */
const patience = { timeout: 20_000, interval: 20 };

export interface Stage {
  readonly home: Home;
  readonly requests: string;
  readonly replies: string;
  readonly deadLetters: string;
  start<Input = undefined>(
    handler: Handler<Input>,
    options?: Partial<ResponderOptions<Input>>,
  ): RunningResponder;
  /** Produces a request record and returns its correlation ID. */
  request(body: string, overrides?: RequestOverrides): Promise<string>;
  append(record: Omit<NewRecord, "topic"> & { readonly topic?: string }): Promise<void>;
  /** Everything in a topic. */
  read(topic: string): Promise<readonly KafkaRecord[]>;
  /** Waits for the reply, the first one if there are several. */
  replyTo(id: string): Promise<KafkaRecord>;
  repliesTo(id: string): Promise<readonly KafkaRecord[]>;
  /** Waits until that many records are in the topic. */
  recordsIn(topic: string, count: number): Promise<readonly KafkaRecord[]>;
}

export interface RequestOverrides extends Partial<RequestEnvelope> {
  readonly key?: string;
  /** Of the request topic. Default 0. */
  readonly partition?: number;
  /** Left out of the record, by name. */
  readonly without?: string;
  readonly headers?: NewRecord["headers"];
}

let sequence = 0;

export async function setStage(home: Home, { partitions = 1 } = {}): Promise<Stage> {
  const requests = newName();
  const replies = `${requests}.replies`;
  const deadLetters = `${requests}.dead-letters`;
  await home.createTopic(requests, partitions);
  await home.createTopic(replies, 2);

  async function read(topic: string): Promise<readonly KafkaRecord[]> {
    const count = await home.log.partitionCount(topic, 0);
    const all: KafkaRecord[] = [];
    let positions = Array.from({ length: count }, (_, partition) => ({ topic, partition, offset: 0 }));
    for (;;) {
      const records = await home.log.fetch(positions, { ...atOnce, strict: true });
      if (records.length === 0) return all;
      all.push(...records);
      positions = positions.map((position) => {
        const last = records.findLast(({ partition }) => partition === position.partition);
        return last === undefined ? position : { ...position, offset: last.offset + 1 };
      });
    }
  }

  async function append(record: Omit<NewRecord, "topic"> & { readonly topic?: string }): Promise<void> {
    const [answer] = await home.log.produce([{ topic: requests, ...record }]);
    expect(answer).toHaveProperty("offset");
  }

  const stage: Stage = {
    home,
    requests,
    replies,
    deadLetters,
    append,
    read,

    start(handler, options = {}) {
      const events: ResponderEvent[] = [];
      const connection: string[] = [];
      const responder = createResponder({
        kafka: home.connection,
        topic: requests,
        replyTopics: [replies],
        handler,
        onEvent(event) {
          if (event.type === "connection") connection.push(event.message);
          else events.push(event);
        },
        ...options,
      });
      const running = responder.run();
      const finish = (): Promise<void> => {
        responder.stop();
        return running;
      };
      onTestFinished(finish);
      return { ...responder, events, connection, finish };
    },

    async request(body, { key, partition = 0, without, headers = [], ...overrides } = {}) {
      const correlationId = overrides.correlationId ?? (++sequence).toString(16).padStart(64, "0");
      const now = Date.now();
      const record = encodeRequest(requests, key ?? correlationId, encodeText(body), {
        correlationId,
        replyTopic: replies,
        replyPartition: 1,
        createdAt: now,
        deadlineAt: now + 30_000,
        keepUntil: now + 30_000,
        attempt: 1,
        method: "POST",
        path: "/",
        query: "",
        forwarded: [],
        ...overrides,
      });
      await append({
        ...record,
        partition,
        headers: [...record.headers.filter((header) => header.key !== without), ...headers],
      });
      return correlationId;
    },

    repliesTo: async (id) => (await read(replies)).filter(isFor(id)),

    async replyTo(id) {
      await expect.poll(async () => (await read(replies)).some(isFor(id)), patience).toBe(true);
      const found = (await read(replies)).find(isFor(id));
      if (found === undefined) throw new Error("the reply was there a moment ago");
      return found;
    },

    async recordsIn(topic, count) {
      await expect.poll(async () => (await read(topic)).length, patience).toBeGreaterThanOrEqual(count);
      return read(topic);
    },
  };
  return stage;
}

function isFor(id: string): (record: KafkaRecord) => boolean {
  return (record) => readHeader(record.headers, "X-Correlation-ID") === id;
}

export function textOf({ value }: KafkaRecord): string | undefined {
  return value === null ? undefined : decodeText(value);
}

/** The first of several things a test waits for, and what releases it. */
export function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
