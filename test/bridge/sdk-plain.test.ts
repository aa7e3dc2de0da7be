import { Kafka } from "@upstash/kafka";
import { expect, onTestFinished, test, vi } from "vitest";
import { password, testBridge, username } from "./support.ts";

async function sdk() {
  const bridge = await testBridge({ topics: new Map([["red", 2]]) });
  return { bridge, kafka: new Kafka({ url: bridge.url, username, password }) };
}

test("the SDK produces one record and learns where it went", async () => {
  const { kafka } = await sdk();
  const first = await kafka.producer().produce("red", { n: 1 }, { partition: 1 });
  const second = await kafka
    .producer()
    .produce("red", "text", { partition: 1, timestamp: 1_700_000_000_000 });
  expect(first).toEqual({ topic: "red", partition: 1, offset: 0, timestamp: expect.any(Number) });
  expect(second).toEqual({ topic: "red", partition: 1, offset: 1, timestamp: 1_700_000_000_000 });
});

test.each([true, false])("the SDK fetches back what it produced, with parallel: %s", async (parallel) => {
  const { kafka } = await sdk();
  const headers = [
    { key: "cid", value: "7f" },
    { key: "cid", value: "80" },
  ];
  const produced = await kafka.producer().produceMany([
    { topic: "red", partition: 0, value: { n: 1 }, key: "k", headers },
    { topic: "red", partition: 1, value: "zwei, ü" },
  ]);
  expect(produced.map(({ partition }) => partition)).toEqual([0, 1]);
  const records = await kafka.consumer().fetch(
    {
      topic: "red",
      partition: 0,
      offset: 0,
      topicPartitionOffsets: [{ topic: "red", partition: 1, offset: 0 }],
    },
    { parallel },
  );
  const timestamp = expect.any(Number);
  expect(records).toHaveLength(2);
  expect(records).toContainEqual({
    topic: "red",
    partition: 0,
    offset: 0,
    timestamp,
    key: "k",
    value: '{"n":1}',
    headers,
  });
  expect(records).toContainEqual({
    topic: "red",
    partition: 1,
    offset: 0,
    timestamp,
    key: "",
    value: "zwei, ü",
    headers: [],
  });
});

test("the SDK asks for offsets: earliest, latest, by timestamp, and the end when nothing is that young", async () => {
  const { kafka } = await sdk();
  for (const timestamp of [1_000, 3_000, 2_000, 4_000]) {
    await kafka.producer().produce("red", "x", { partition: 0, timestamp });
  }
  const offsetFor = async (timestamp: number | "earliest" | "latest") => {
    const topicPartition = { topic: "red", partition: 0 };
    const [found] = await kafka.admin().topicPartitionOffsets({ timestamp, topicPartition });
    return found;
  };
  expect(await offsetFor("earliest")).toEqual({ topic: "red", partition: 0, offset: 0 });
  expect((await offsetFor("latest"))?.offset).toBe(4);
  expect((await offsetFor(1_000))?.offset).toBe(0);
  expect((await offsetFor(1_001))?.offset).toBe(1);
  expect((await offsetFor(3_001))?.offset).toBe(3);
  expect((await offsetFor(4_001))?.offset).toBe(4);
});

test("the SDK lists topics with their partition counts, declared ones and those made by a produce", async () => {
  const { kafka } = await sdk();
  await kafka.producer().produce("green", "x");
  expect(await kafka.admin().topics()).toEqual({ red: 2, green: 3 });
});

test("a record with a key goes where Java's default partitioner puts it, others take turns", async () => {
  const { kafka } = await sdk();
  const keyed = await kafka.producer().produceMany([
    { topic: "red", value: "a", key: "21" },
    { topic: "red", value: "b", key: "foobar" },
  ]);
  // murmur2("21") = -973932308 and murmur2("foobar") = -790332482 in Apache Kafka's own tests.
  expect(keyed.map(({ partition }) => partition)).toEqual([
    (-973_932_308 & 0x7fffffff) % 2,
    (-790_332_482 & 0x7fffffff) % 2,
  ]);
  const turns = await kafka.producer().produceMany([
    { topic: "green", value: "a" },
    { topic: "green", value: "b" },
    { topic: "green", value: "c" },
    { topic: "green", value: "d" },
  ]);
  expect(turns.map(({ partition }) => partition)).toEqual([0, 1, 2, 0]);
});

test("the SDK tells a wrong password after its own retries", async () => {
  const { bridge } = await sdk();
  const kafka = new Kafka({ url: bridge.url, username, password: "guess" });
  const setTimer = globalThis.setTimeout;
  // Only the SDK's waits between attempts, the shortest of which is 500 ms, are cut short.
  const spy = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((run: () => void, ms?: number) =>
      setTimer(run, ms !== undefined && ms >= 500 && ms <= 8_000 ? 0 : ms),
    );
  onTestFinished(() => spy.mockRestore());
  const error = await kafka
    .admin()
    .topics()
    .catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    name: "UpstashError",
    status: 401,
    result: "Error",
    error: expect.any(String),
  });
});
