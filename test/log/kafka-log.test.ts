// What the log of a cluster does when the cluster misbehaves in ways that a real one cannot be made to on demand.

import { MultipleErrors, ProtocolError, ResponseError, UserError, type Consumer } from "@platformatic/kafka";
import { describe, expect, onTestFinished, test } from "vitest";
import { LogUnavailable } from "../../kafka/log/index.ts";
import { createAppender } from "../../kafka/native/appender.ts";
import type { Cluster, KnownTopic } from "../../kafka/native/cluster.ts";
import { createKafkaLog, type KafkaLog, type KafkaLogParts } from "../../kafka/native/kafka-log.ts";
import { createDirectReader } from "../../kafka/native/direct-reader.ts";
import { Ring } from "../../kafka/native/ring.ts";
import { readFrom, type ReadOutcome } from "../../kafka/native/reader.ts";
import { atOnce, recordOf } from "../support/bridge.ts";

const topicOf = (name: string): KnownTopic => ({ name, id: `id of ${name}`, leaders: [1, 2] });

const cluster: Cluster = {
  topic: async (name) => topicOf(name),
  topics: async () => new Map(),
  create: async (name) => topicOf(name),
  look: () => undefined,
  trouble: () => undefined,
  close: () => undefined,
};

function logWith(parts: Partial<KafkaLogParts>): KafkaLog {
  const log = createKafkaLog({
    admin: { listOffsets: async () => [] },
    cluster,
    appender: { append: async () => [], queuedBytes: 0 },
    direct: { read: () => new Promise<ReadOutcome>(() => undefined) },
    createTail: () => ({
      find: () => undefined,
      follow: () => {
        throw new Error("nothing to follow here");
      },
      followed: 0,
      bytes: 0,
      close: () => undefined,
    }),
    createTopics: false,
    closeClients: async () => undefined,
    onError: () => undefined,
    ...parts,
  });
  onTestFinished(() => log.close());
  return log;
}

const readOutcome = (offset: number): ReadOutcome => ({
  status: "read",
  records: [{ topic: "red", partition: 1, offset, timestamp: 0, key: null, value: null, headers: [] }],
  next: offset + 1,
  end: offset + 1,
});

test("a broker that hangs holds up neither the records of another one nor the end of the poll", async () => {
  const hanging = new Promise<ReadOutcome>(() => undefined);
  const log = logWith({
    direct: { read: (broker) => (broker === 1 ? hanging : Promise.resolve(readOutcome(7))) },
  });
  const position = { topic: "red", partition: 0, offset: 0 };
  const patient = { ...atOnce, timeoutMs: 60_000 };
  const records = await log.fetch([position, { ...position, partition: 1 }], patient);
  expect(records.map(({ partition, offset }) => [partition, offset])).toEqual([[1, 7]]);
  expect(await log.fetch([position], atOnce)).toEqual([]);
});

test("a topic that is deleted while offsets are asked for costs the others nothing", async () => {
  const log = logWith({
    admin: {
      listOffsets: async ({ topics }) => {
        if (topics.some(({ name }) => name === "gone")) throw new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION");
        return topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            timestamp: -1n,
            offset: 5n,
            leaderEpoch: 0,
          })),
        }));
      },
    },
  });
  const [red, gone] = await log.offsets("latest", [
    { topic: "red", partition: 0 },
    { topic: "gone", partition: 0 },
  ]);
  expect(red).toMatchObject({ offset: 5, log: "id of red" });
  expect(gone).toMatchObject({ offset: 0, log: "" });
});

test("offsets of many partitions cost one question about each topic", async () => {
  const asked: string[] = [];
  const log = logWith({
    cluster: {
      ...cluster,
      topic: async (name) => {
        asked.push(name);
        return topicOf(name);
      },
    },
  });
  const places = ["red", "red", "green"].map((topic, index) => ({ topic, partition: index % 2 }));
  await log.offsets("latest", places);
  expect(asked).toEqual(["red", "green"]);
});

test("who must not miss a record reads past a ring that is behind its partition", async () => {
  const followed = { topic: "red", partition: 0, topicId: "id of red", ring: new Ring(7) };
  const log = logWith({
    direct: { read: async () => readOutcome(7) },
    createTail: () => ({
      find: () => followed,
      follow: () => followed,
      followed: 1,
      bytes: 0,
      close: () => undefined,
    }),
  });
  const position = { topic: "red", partition: 0, offset: 7 };
  expect(await log.fetch([position], atOnce)).toEqual([]);
  expect(await log.fetch([position], { ...atOnce, strict: true })).toHaveLength(1);
});

test("when a broker is lost, or a partition does not take records, the leader is looked up again", async () => {
  const ages: (number | undefined)[] = [];
  const log = logWith({
    cluster: {
      ...cluster,
      topic: async (name, maxAgeMs) => {
        ages.push(maxAgeMs);
        return topicOf(name);
      },
    },
    direct: { read: async () => ({ status: "lost", reason: "closed" }) },
    appender: {
      append: async () => [{ refused: "no leader", why: "unavailable", retryAfter: 1 }],
      queuedBytes: 0,
    },
  });
  await log.fetch([{ topic: "red", partition: 0, offset: 0 }], atOnce);
  expect(ages.splice(0)).toEqual([undefined, 500]);
  await log.produce([recordOf("red", "x")]);
  expect(ages).toEqual([undefined, 500]);
});

test("a read that was left out of a full answer is not taken for one at the end", async () => {
  const value = Buffer.alloc(5 * 1024 * 1024);
  const record = { offsetDelta: 0, timestampDelta: 0n, key: null, value, headers: [] };
  const batch = { firstOffset: 0n, lastOffsetDelta: 0, attributes: 0, firstTimestamp: 0n, records: [record] };
  const full = { partitionIndex: 1, errorCode: 0, highWatermark: 1n, lastStableOffset: 1n, records: [batch] };
  // The first read goes alone; the two that come meanwhile go together, and one of them is left out.
  const answers = [[], [full]];
  const consumer = {
    fetch: async () => ({ responses: [{ topicId: "id of red", partitions: answers.shift() ?? [] }] }),
  } as unknown as Consumer;
  const reader = createDirectReader(consumer);
  const read = (partition: number) =>
    reader.read(1, { topic: "red", topicId: "id of red", partition, offset: 0 });
  const [alone, inFull, leftOut] = await Promise.all([read(0), read(1), read(2)]);
  expect(alone).toMatchObject({ next: 0, end: 0 });
  expect(inFull).toMatchObject({ next: 1, end: 1 });
  expect(leftOut).toMatchObject({ records: [], next: 0, end: 1 });
});

test.each(["FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH", "FETCH_SESSION_TOPIC_ID_ERROR"])(
  "a read whose session is gone (%s) is asked once more",
  async (code) => {
    const failures = [new ProtocolError(code)];
    const consumer = {
      fetch: async () => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return { responses: [] };
      },
    } as unknown as Consumer;
    const requests = [{ topic: "red", topicId: "id of red", partition: 0, offset: 3 }];
    expect(await readFrom(consumer, 1, requests, { maxWaitMs: 0, maxBytes: 1 })).toEqual([
      { status: "read", records: [], next: 3, end: 3 },
    ]);
  },
);

test("a broker that the client has not heard of is out of reach, and the brokers are asked for again", async () => {
  let asked = 0;
  const consumer = {
    fetch: () => Promise.reject(new UserError("Cannot find broker with node id 2")),
    metadata: async () => void asked++,
  } as unknown as Consumer;
  const requests = [{ topic: "red", topicId: "id of red", partition: 0, offset: 0 }];
  expect(await readFrom(consumer, 2, requests, { maxWaitMs: 0, maxBytes: 1 })).toMatchObject([
    { status: "lost" },
  ]);
  expect(asked).toBe(1);
});

describe("an append that the leader answers with an error", () => {
  /** As the client throws it. */
  const failure = (baseOffset: bigint): Error => {
    const partitionResponses = [{ index: 0, errorCode: 6, baseOffset }];
    const response = { responses: [{ name: "red", partitionResponses }] };
    const errors: Record<string, [number, string | null]> = {
      "/responses/0/partition_responses/0": [6, null],
    };
    return new MultipleErrors("Producing messages failed.", [new ResponseError(0, 11, errors, response)]);
  };

  function appenderFailing(cause: Error) {
    let sends = 0;
    const appender = createAppender({
      connectToBrokers: async () => new Map(),
      send: async ({ repeatOnStaleMetadata }) => {
        // Or the client repeats what may be written.
        expect(repeatOnStaleMetadata).toBe(false);
        if (sends++ === 0) throw cause;
        return { offsets: [{ topic: "red", partition: 0, offset: 9n }] };
      },
    });
    return { appender, sends: () => sends };
  }

  test("is repeated when nothing was written", async () => {
    const { appender, sends } = appenderFailing(failure(-1n));
    expect(await appender.append("red", 0, 1, [recordOf("red", "x")])).toMatchObject([{ offset: 9 }]);
    expect(sends()).toBe(2);
  });

  test("is neither repeated nor refused when the leader had written it: nobody knows, and where is told", async () => {
    const { appender, sends } = appenderFailing(failure(4n));
    const failed = await appender
      .append("red", 0, 1, [recordOf("red", "x"), recordOf("red", "y")])
      .catch((cause: unknown) => cause);
    expect(failed).toBeInstanceOf(LogUnavailable);
    expect(failed).toMatchObject({ unsettled: [{ topic: "red", partition: 0, offset: 6 }] });
    expect(sends()).toBe(1);
  });
});
