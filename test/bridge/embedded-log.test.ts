// The log of its own in memory: what the contract does not say, bounds above all.

import { expect, test } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import { appended, atOnce, recordOf } from "../support/bridge.ts";

const red = { topic: "red", partition: 0 };

test("a fetch that a batch wakes answers with the whole batch", async () => {
  const log = openEmbeddedLog({ topics: new Map([["red", 2]]) });
  const positions = [0, 1].map((partition) => ({ topic: "red", partition, offset: 0 }));
  const fetched = log.fetch(positions, { ...atOnce, timeoutMs: 30_000 });
  await log.produce([{ ...recordOf("red", "x"), partition: 1 }, recordOf("red", "y")]);
  expect(await fetched).toHaveLength(2);
});

test("retention drops the oldest records and moves earliest", async () => {
  const log = openEmbeddedLog({ topics: new Map([["red", 1]]), retentionBytes: 10_000 });
  for (let n = 0; n < 5_000; n++) await log.produce([recordOf("red", String(n).padStart(936, "0"))]);
  const [earliest] = await log.offsets("earliest", [red]);
  const [latest] = await log.offsets("latest", [red]);
  expect([earliest?.offset, latest?.offset]).toEqual([4_990, 5_000]);
  const records = await log.fetch([{ ...red, offset: 4_990 }], atOnce);
  expect(records.map(({ offset }) => offset)).toEqual([
    4990, 4991, 4992, 4993, 4994, 4995, 4996, 4997, 4998, 4999,
  ]);
  expect(await log.fetch([{ ...red, offset: 4_989 }], { ...atOnce, timeoutMs: 30_000 })).toEqual([]);
});

test("a record larger than the whole retention is kept until the next one", async () => {
  const log = openEmbeddedLog({ topics: new Map([["red", 1]]), retentionBytes: 100 });
  await log.produce([recordOf("red", "x".repeat(1_000))]);
  expect(await log.fetch([{ ...red, offset: 0 }], atOnce)).toHaveLength(1);
});

test("a search by timestamp finds the first record that is young enough, also after older ones were dropped", async () => {
  const log = openEmbeddedLog({ topics: new Map([["red", 1]]), retentionBytes: 300 });
  for (const timestamp of [9_000, 1_000, 2_000, 3_000, 4_000]) {
    await log.produce([{ ...recordOf("red", "x"), timestamp }]);
  }
  const offsetFor = async (timestamp: number) => (await log.offsets(timestamp, [red]))[0]?.offset;
  expect(await Promise.all([0, 1_000, 1_500, 4_000, 4_001].map(offsetFor))).toEqual([1, 1, 2, 4, 5]);
});

test("the number of topics is bounded, and a refused record leaves no topic behind", async () => {
  const log = openEmbeddedLog({ maxTopics: 1 });
  const [outOfRange] = await log.produce([{ ...recordOf("green", "x"), partition: 3 }]);
  expect(outOfRange).toMatchObject({ why: "invalid" });
  appended((await log.produce([recordOf("red", "x")]))[0]);
  const [refused] = await log.produce([recordOf("blue", "x")]);
  expect(refused).toMatchObject({ why: "invalid" });
  expect(await log.topics()).toEqual(new Map([["red", 3]]));
});

test("a closed log refuses, and its waiting fetches end", async () => {
  const log = openEmbeddedLog({ topics: new Map([["red", 1]]) });
  const fetched = log.fetch([{ ...red, offset: 0 }], { ...atOnce, timeoutMs: 30_000 });
  await log.close();
  await log.close();
  expect(await fetched).toEqual([]);
  expect((await log.produce([recordOf("red", "x")]))[0]).toMatchObject({ why: "unavailable" });
});

test.each([
  ["a b", 1],
  ["..", 1],
  ["x".repeat(250), 1],
  ["red", 0],
  ["red", 1.5],
])("topic %s with %s partitions cannot be declared", (name, partitions) => {
  expect(() => openEmbeddedLog({ topics: new Map([[name, partitions]]) })).toThrow(RangeError);
});
