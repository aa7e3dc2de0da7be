// Contract of a backend: what is appended is what is read, through the published SDK in both forms of the API.

import { Buffer } from "node:buffer";
import { Kafka } from "@upstash/kafka";
import { describe, expect, test } from "vitest";
import {
  encodeText,
  fromWireRecord,
  textHeader,
  toWireNewRecord,
  type NewRecord,
  type WireRecord,
} from "../../../protocol/index.ts";
import { newName, password, username } from "../../support/bridge.ts";
import { bridgeOver, type BackendUnderTest } from "./backend.ts";

/** The SDK against a bridge over `backend`. */
async function sdkOver(backend: BackendUnderTest, prefix = "") {
  const bridge = await bridgeOver(backend);
  return { ...bridge, kafka: new Kafka({ url: bridge.url + prefix, username, password }) };
}

/** The SDK's types know neither null nor read-only lists; it posts whatever it is given. */
function posted(record: NewRecord): Parameters<ReturnType<Kafka["producer"]>["produceMany"]>[0][number] {
  return toWireNewRecord(record) as ReturnType<typeof posted>;
}

async function roundTrip(
  backend: BackendUnderTest,
  record: Omit<NewRecord, "topic">,
): Promise<Omit<NewRecord, "topic">> {
  const { kafka, newTopic } = await sdkOver(backend, "/hearback");
  const topic = await newTopic(1);
  await kafka.producer().produce(topic, "", posted({ ...record, topic }));
  const answer = await kafka.consumer().fetch({ topic, partition: 0, offset: 0 }, { parallel: false });
  const [found, ...rest] = (answer as unknown as WireRecord[]).map(fromWireRecord);
  expect(rest).toEqual([]);
  if (found === undefined) throw new Error("the record did not come back");
  const plain = (bytes: Uint8Array | null) => (bytes === null ? null : Uint8Array.from(bytes));
  return {
    key: plain(found.key),
    value: plain(found.value),
    headers: found.headers.map(({ key, value }) => ({ key, value: Uint8Array.from(value) })),
  };
}

const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);

export function recordsContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: records`, () => {
    test("the SDK produces one record and learns where it went", async () => {
      const { kafka, newTopic } = await sdkOver(backend);
      const red = await newTopic(2);
      const first = await kafka.producer().produce(red, { n: 1 }, { partition: 1 });
      const second = await kafka
        .producer()
        .produce(red, "text", { partition: 1, timestamp: 1_700_000_000_000 });
      expect(first).toEqual({ topic: red, partition: 1, offset: 0, timestamp: expect.any(Number) });
      expect(second).toEqual({ topic: red, partition: 1, offset: 1, timestamp: 1_700_000_000_000 });
    });

    test.each([true, false])("the SDK fetches back what it produced, with parallel: %s", async (parallel) => {
      const { kafka, newTopic } = await sdkOver(backend);
      const red = await newTopic(2);
      const headers = [
        { key: "cid", value: "7f" },
        { key: "cid", value: "80" },
      ];
      const produced = await kafka.producer().produceMany([
        { topic: red, partition: 0, value: { n: 1 }, key: "k", headers },
        { topic: red, partition: 1, value: "zwei, ü" },
      ]);
      expect(produced.map(({ partition }) => partition)).toEqual([0, 1]);
      const records = await kafka.consumer().fetch(
        {
          topic: red,
          partition: 0,
          offset: 0,
          topicPartitionOffsets: [{ topic: red, partition: 1, offset: 0 }],
        },
        { parallel },
      );
      const timestamp = expect.any(Number);
      expect(records).toHaveLength(2);
      expect(records).toContainEqual({
        topic: red,
        partition: 0,
        offset: 0,
        timestamp,
        key: "k",
        value: '{"n":1}',
        headers,
      });
      expect(records).toContainEqual({
        topic: red,
        partition: 1,
        offset: 0,
        timestamp,
        key: "",
        value: "zwei, ü",
        headers: [],
      });
    });

    test("the SDK asks for offsets: earliest, latest, by timestamp, and the end when nothing is that young", async () => {
      const { kafka, newTopic } = await sdkOver(backend);
      const red = await newTopic(2);
      for (const timestamp of [1_000, 3_000, 2_000, 4_000]) {
        await kafka.producer().produce(red, "x", { partition: 0, timestamp });
      }
      const offsetFor = async (timestamp: number | "earliest" | "latest") => {
        const topicPartition = { topic: red, partition: 0 };
        const [found] = await kafka.admin().topicPartitionOffsets({ timestamp, topicPartition });
        return found;
      };
      expect(await offsetFor("earliest")).toEqual({ topic: red, partition: 0, offset: 0 });
      expect((await offsetFor("latest"))?.offset).toBe(4);
      expect((await offsetFor(1_000))?.offset).toBe(0);
      expect((await offsetFor(1_001))?.offset).toBe(1);
      expect((await offsetFor(3_001))?.offset).toBe(3);
      expect((await offsetFor(4_001))?.offset).toBe(4);
    });

    test("the SDK lists topics with their partition counts, declared ones and those made by a produce", async () => {
      const { kafka, newTopic } = await sdkOver(backend);
      const red = await newTopic(2);
      const green = newName();
      await kafka.producer().produce(green, "x");
      expect(await kafka.admin().topics()).toMatchObject({ [red]: 2, [green]: 3 });
    });

    test("a record with a key goes where Java's default partitioner puts it, others take turns", async () => {
      const { kafka, newTopic } = await sdkOver(backend);
      const red = await newTopic(2);
      const keyed = await kafka.producer().produceMany([
        { topic: red, value: "a", key: "21" },
        { topic: red, value: "b", key: "foobar" },
      ]);
      // murmur2("21") = -973932308 and murmur2("foobar") = -790332482 in Apache Kafka's own tests.
      expect(keyed.map(({ partition }) => partition)).toEqual([
        (-973_932_308 & 0x7fffffff) % 2,
        (-790_332_482 & 0x7fffffff) % 2,
      ]);
      const green = await newTopic(3);
      const turns = await kafka.producer().produceMany([
        { topic: green, value: "a" },
        { topic: green, value: "b" },
        { topic: green, value: "c" },
        { topic: green, value: "d" },
      ]);
      expect(turns.map(({ partition }) => partition)).toEqual([0, 1, 2, 0]);
    });

    test("[A21] all 256 byte values survive in key, value and headers", async () => {
      const record = {
        key: allBytes,
        value: allBytes,
        headers: [{ key: "raw", value: allBytes }],
      };
      expect(await roundTrip(backend, record)).toEqual(record);
    });

    test("[A21] an empty value, a null key, an empty header and non-ASCII text stay what they are", async () => {
      const headers = [
        { key: "empty", value: new Uint8Array() },
        textHeader("Schlüssel", "größer als ∅"),
        textHeader("", "header without a name"),
      ];
      const record = { key: null, value: new Uint8Array(), headers };
      expect(await roundTrip(backend, record)).toEqual(record);
    });

    test("a null value and an empty key are told from each other", async () => {
      const record = { key: new Uint8Array(), value: null, headers: [] };
      expect(await roundTrip(backend, record)).toEqual(record);
    });

    test("[A21] repeated headers keep their number and order", async () => {
      const headers = [
        textHeader("b", "1"),
        textHeader("a", "2"),
        textHeader("b", "3"),
        textHeader("B", "4"),
      ];
      const record = { key: null, value: encodeText("x"), headers };
      expect(await roundTrip(backend, record)).toEqual(record);
    });

    test("a refused record is an ordinary answer, and the rest of its batch goes through", async () => {
      const { kafka, newTopic } = await sdkOver(backend, "/hearback");
      const bytes = await newTopic(1);
      const good = { topic: bytes, key: null, value: encodeText("x"), headers: [] };
      const answers: unknown = await kafka
        .producer()
        .produceMany([
          posted({ ...good, partition: 7 }),
          posted(good),
          posted({ ...good, topic: "no such name!" }),
          posted({ ...good, value: new Uint8Array(1_048_577) }),
          { topic: bytes, value: "not base64" },
          posted({ ...good, value: new Uint8Array(1_048_576) }),
        ]);
      const refused = (why: string, reason: string) => ({
        refused: expect.stringContaining(reason),
        why,
        retryAfter: expect.any(Number),
      });
      expect(answers).toEqual([
        refused("invalid", "partition 7"),
        expect.objectContaining({ topic: bytes, partition: 0, offset: 0 }),
        refused("invalid", "topic name"),
        refused("too-large", "1048577 bytes"),
        refused("invalid", "base64"),
        expect.objectContaining({ topic: bytes, partition: 0, offset: 1 }),
      ]);
    });

    test("an unknown topic has offset 0 and no identity, a known one has an identity", async () => {
      const { kafka, newTopic } = await sdkOver(backend, "/hearback");
      const bytes = await newTopic(1);
      const later = newName();
      const topicPartitions = [
        { topic: bytes, partition: 0 },
        { topic: later, partition: 0 },
        { topic: bytes, partition: 9 },
      ];
      const offsets: unknown = await kafka
        .admin()
        .topicPartitionOffsets({ timestamp: "latest", topicPartitions });
      expect(offsets).toEqual([
        { topic: bytes, partition: 0, offset: 0, log: expect.stringMatching(/^[0-9a-f-]{36}$/) },
        { topic: later, partition: 0, offset: 0, log: "" },
        { topic: bytes, partition: 9, offset: 0, log: "" },
      ]);
    });

    test("a repeat is absorbed over both forms of the API, whatever the case of the header's name", async () => {
      const { log, call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(3);
      const headers = [{ key: "x-produce-id", value: "id:1" }];
      const first = await call("/produce", { topic: red, value: "x", headers });
      const encoded = [{ key: "X-Produce-ID", value: Buffer.from("id:1").toString("base64") }];
      const repeat = await call("/hearback/produce", { topic: red, value: "eA==", headers: encoded });
      expect(repeat.json).toEqual(first.json);
      const partitions = [0, 1, 2].map((partition) => ({ topic: red, partition }));
      const ends = (await log.offsets("latest", partitions)).map(({ offset }) => offset);
      expect(ends.reduce((sum, end) => sum + end)).toBe(1);
    });

    test("what another process appended a moment ago is recognised", async () => {
      const before = await bridgeOver(backend);
      const red = await before.newTopic(3);
      const message = { topic: red, value: "x", headers: [{ key: "X-Produce-ID", value: "id:1" }] };
      const first = await before.call("/produce", message);
      const { log } = before;
      const after = await bridgeOver({ ...backend, open: async () => ({ ...(await backend.open()), log }) });
      expect((await after.call("/produce", message)).json).toEqual(first.json);
    });
  });
}
