// The floor: a request record and its reply record, by the native client in the load program itself, with a map from
// correlation ID to whoever waits. No HTTP, no process of its own; nothing on these topics can be faster by much.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Consumer, Producer } from "@platformatic/kafka";
import type { Answer, Contender, RunningContender, Surroundings } from "../contender.ts";

const timeoutMs = 10_000;
const correlationHeader = "X-Correlation-ID";
/** Of a record that the floor answers itself, to see that it reads. */
const probePrefix = "probe-";
const probeEveryMs = 200;

export const floor: Contender = {
  id: "floor",
  title: "native ping-pong",
  async versions() {
    const manifest = new URL("../../../node_modules/@platformatic/kafka/package.json", import.meta.url);
    const { version } = JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string };
    return { "@platformatic/kafka": version };
  },
  prepare: async () => {},
  start,
};

async function start({ brokers, topics }: Surroundings): Promise<RunningContender> {
  const options = { clientId: "bench-floor", bootstrapBrokers: brokers.split(",") };
  const producer = new Producer({ ...options, maxInflights: 64 });
  const consumer = new Consumer({ ...options, groupId: `bench.floor.${randomUUID()}` });
  const waiting = new Map<string, (answer: Answer) => void>();
  const stream = await consumer.consume({ topics: [topics.replies], mode: "latest", maxWaitTime: 500 });
  stream.on("data", ({ headerEntries, value }) => {
    const id = headerEntries.find(([name]) => name.toString() === correlationHeader)?.[1].toString() ?? "";
    waiting.get(id)?.({ status: 200, body: value.toString() });
  });
  let sequence = 0;

  async function send(id: string, { topic, partition, value }: Sent): Promise<void> {
    const headers = {
      [correlationHeader]: id,
      "X-Reply-Topic": topics.replies,
      "X-Reply-Partition": String(partition),
    };
    const entries = Object.entries(headers).map(
      ([name, text]) => [Buffer.from(name), Buffer.from(text)] as const,
    );
    const message = { topic, partition, key: Buffer.from(id), value, headers: new Map(entries) };
    await producer.send({ acks: -1, messages: [message] });
  }

  async function answerTo(id: string, sent: Sent, waitMs: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    waiting.set(id, resolve);
    const timer = setTimeout(() => resolve({ status: 504, body: "" }), waitMs);
    try {
      send(id, sent).catch((cause: unknown) => reject(cause));
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  }

  /** `latest` is where the topic ends when it is first read, which is after `consume` has resolved. */
  async function untilRead(partition: number): Promise<void> {
    const probe: Sent = { topic: topics.replies, partition, value: Buffer.from("{}") };
    for (;;) {
      const { status } = await answerTo(`${probePrefix}${sequence++}`, probe, probeEveryMs);
      if (status === 200) return;
    }
  }

  await Promise.all(Array.from({ length: topics.partitions }, (_, partition) => untilRead(partition)));
  return {
    ask(value) {
      const n = sequence++;
      return answerTo(
        String(n),
        { topic: topics.requests, partition: n % topics.partitions, value },
        timeoutMs,
      );
    },
    processes: new Map(),
    async stop() {
      await stream.close();
      await Promise.all([consumer.close(true), producer.close()]);
    },
  };
}

interface Sent {
  readonly topic: string;
  readonly partition: number;
  readonly value: Buffer;
}
