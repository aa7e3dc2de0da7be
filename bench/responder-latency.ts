// From a request record to its reply record, through a responder that echoes: latency at a steady rate, and how
// many a second when all are there already. It measures; broker and responder are started by whoever calls it.

import { Consumer, Producer } from "@platformatic/kafka";

export interface EchoTopics {
  readonly broker: string;
  readonly requests: string;
  readonly replies: string;
  /** Of either topic. */
  readonly partitions: number;
}

export interface EchoLatencies {
  /** Milliseconds from handing the request to the producer to having read the reply. */
  readonly p50: number;
  readonly p99: number;
}

const valueBytes = 512;
const patienceMs = 60_000;

/** Produces requests and counts the replies, each by its correlation ID. */
export async function openEcho({ broker, requests, replies, partitions }: EchoTopics) {
  const options = { clientId: "bench", bootstrapBrokers: [broker], maxInflights: 64 };
  const producer = new Producer(options);
  const consumer = new Consumer({ ...options, groupId: `${replies}.bench` });
  const arrived = new Map<string, number>();
  let wanted = { count: Infinity, resolve: (): void => {} };
  const stream = await consumer.consume({ topics: [replies], mode: "latest", maxWaitTime: 500 });
  stream.on("data", ({ key }) => {
    const id = key.toString();
    if (!arrived.has(id)) arrived.set(id, performance.now());
    if (arrived.size >= wanted.count) wanted.resolve();
  });
  const value = Buffer.alloc(valueBytes, "x");
  let sequence = 0;

  function message() {
    const n = sequence++;
    const id = n.toString(16).padStart(64, "0");
    const deadline = String(Date.now() + patienceMs);
    return {
      id,
      message: {
        topic: requests,
        partition: n % partitions,
        key: Buffer.from(id),
        value,
        headers: new Map(
          Object.entries({
            "X-Correlation-ID": id,
            "X-Reply-Topic": replies,
            "X-Reply-Partition": String(n % partitions),
            "X-Creation-Timestamp": String(Date.now()),
            "X-Deadline": deadline,
            "X-Keep-Until": deadline,
            "X-Produce-ID": `${id}:1`,
            "X-Http-Method": "POST",
            "X-Http-Path": "/echo",
            "Content-Type": "application/json",
          }).map(([key, text]) => [Buffer.from(key), Buffer.from(text)]),
        ),
      },
    };
  }

  /** Resolves when that many replies have come. Rejects when they have not after a minute. */
  function replied(count: number): Promise<void> {
    if (arrived.size >= count) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${arrived.size} of ${count} replies came within a minute`)),
        patienceMs,
      );
      wanted = {
        count,
        resolve() {
          clearTimeout(timer);
          resolve();
        },
      };
    });
  }

  return {
    /** At a steady rate. */
    async latencies(perSecond: number, count: number): Promise<EchoLatencies> {
      const sentAt = new Map<string, number>();
      const before = arrived.size;
      const startedAt = performance.now();
      const sends: Promise<unknown>[] = [];
      for (let n = 0; n < count; n++) {
        const wait = startedAt + (n * 1_000) / perSecond - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        const { id, message: each } = message();
        sentAt.set(id, performance.now());
        sends.push(producer.send({ acks: -1, messages: [each] }));
      }
      await Promise.all(sends);
      await replied(before + count);
      const sorted = [...sentAt]
        .map(([id, at]) => (arrived.get(id) ?? Infinity) - at)
        .toSorted((a, b) => a - b);
      const at = (share: number): number =>
        sorted[Math.min(count - 1, Math.floor(count * share))] ?? Number.NaN;
      return { p50: at(0.5), p99: at(0.99) };
    },

    /** Puts requests there for a responder that does not run yet. */
    async fill(count: number): Promise<void> {
      const batch = 500;
      for (let from = 0; from < count; from += batch) {
        const messages = Array.from({ length: Math.min(batch, count - from) }, () => message().message);
        await producer.send({ acks: -1, messages });
      }
    },

    /** Replies a second, from the first one to the last. */
    async throughput(count: number): Promise<number> {
      await replied(count);
      const times = [...arrived.values()];
      return ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
    },

    async close(): Promise<void> {
      await stream.close();
      await Promise.all([consumer.close(true), producer.close()]);
    },
  };
}
