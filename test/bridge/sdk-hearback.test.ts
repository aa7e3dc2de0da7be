import { Kafka } from "@upstash/kafka";
import { expect, test } from "vitest";
import {
  encodeText,
  fromWireRecord,
  textHeader,
  toWireNewRecord,
  type NewRecord,
  type WireRecord,
} from "../../protocol/index.ts";
import { password, testBridge, username } from "./support.ts";

async function sdk() {
  const bridge = await testBridge({ topics: new Map([["bytes", 1]]) });
  const kafka = new Kafka({ url: `${bridge.url}/hearback`, username, password });
  return { bridge, kafka };
}

/** The SDK's types know neither null nor read-only lists; it posts whatever it is given. */
function posted(record: NewRecord): Parameters<ReturnType<Kafka["producer"]>["produceMany"]>[0][number] {
  return toWireNewRecord(record) as ReturnType<typeof posted>;
}

async function roundTrip(record: NewRecord): Promise<NewRecord> {
  const { kafka } = await sdk();
  await kafka.producer().produce(record.topic, "", posted(record));
  const answer = await kafka
    .consumer()
    .fetch({ topic: "bytes", partition: 0, offset: 0 }, { parallel: false });
  const [found, ...rest] = (answer as unknown as WireRecord[]).map(fromWireRecord);
  expect(rest).toEqual([]);
  if (found === undefined) throw new Error("the record did not come back");
  const { topic, key, value, headers } = found;
  return { topic, key, value, headers };
}

const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test("[A21] all 256 byte values survive in key, value and headers", async () => {
  const record = {
    topic: "bytes",
    key: allBytes,
    value: allBytes,
    headers: [{ key: "raw", value: allBytes }],
  };
  expect(await roundTrip(record)).toEqual(record);
});

test("[A21] an empty value, a null key, an empty header and non-ASCII text stay what they are", async () => {
  const headers = [
    { key: "empty", value: new Uint8Array() },
    textHeader("Schlüssel", "größer als ∅"),
    textHeader("", "header without a name"),
  ];
  const record = { topic: "bytes", key: null, value: new Uint8Array(), headers };
  expect(await roundTrip(record)).toEqual(record);
});

test("a null value and an empty key are told from each other", async () => {
  const record = { topic: "bytes", key: new Uint8Array(), value: null, headers: [] };
  expect(await roundTrip(record)).toEqual(record);
});

test("[A21] repeated headers keep their number and order", async () => {
  const headers = [textHeader("b", "1"), textHeader("a", "2"), textHeader("b", "3"), textHeader("B", "4")];
  const record = { topic: "bytes", key: null, value: encodeText("x"), headers };
  expect(await roundTrip(record)).toEqual(record);
});

test("a refused record is an ordinary answer, and the rest of its batch goes through", async () => {
  const { kafka } = await sdk();
  const good = { topic: "bytes", key: null, value: encodeText("x"), headers: [] };
  const answers: unknown = await kafka
    .producer()
    .produceMany([
      posted({ ...good, partition: 7 }),
      posted(good),
      posted({ ...good, topic: "no such name!" }),
      posted({ ...good, value: new Uint8Array(1_048_577) }),
      { topic: "bytes", value: "not base64" },
      posted({ ...good, value: new Uint8Array(1_048_576) }),
    ]);
  const refused = (why: string) => ({
    refused: expect.stringContaining(why),
    retryAfter: expect.any(Number),
  });
  expect(answers).toEqual([
    refused("partition 7"),
    expect.objectContaining({ topic: "bytes", partition: 0, offset: 0 }),
    refused("topic name"),
    refused("1048577 bytes"),
    refused("base64"),
    expect.objectContaining({ topic: "bytes", partition: 0, offset: 1 }),
  ]);
});

test("an unknown topic has offset 0 and no identity, a known one has an identity", async () => {
  const { kafka } = await sdk();
  const topicPartitions = [
    { topic: "bytes", partition: 0 },
    { topic: "later", partition: 0 },
    { topic: "bytes", partition: 9 },
  ];
  const offsets: unknown = await kafka
    .admin()
    .topicPartitionOffsets({ timestamp: "latest", topicPartitions });
  expect(offsets).toEqual([
    { topic: "bytes", partition: 0, offset: 0, log: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    { topic: "later", partition: 0, offset: 0, log: "" },
    { topic: "bytes", partition: 9, offset: 0, log: "" },
  ]);
});
