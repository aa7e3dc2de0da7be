// What the log of a cluster does when the cluster misbehaves in ways that a real one cannot be made to on demand.

import { MultipleErrors, ProtocolError, ResponseError, UserError, type Consumer } from "@platformatic/kafka";
import { describe, expect, onTestFinished, test } from "vitest";
import { LogUnavailable } from "../../bridge/index.ts";
import { createAppender } from "../../bridge/kafka/appender.ts";
import type { Cluster, KnownTopic } from "../../bridge/kafka/cluster.ts";
import { createKafkaLog, type KafkaLog, type KafkaLogParts } from "../../bridge/kafka/kafka-log.ts";
import { readFrom, type ReadOutcome } from "../../bridge/kafka/reader.ts";
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
      send: async () => {
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
