// The window of produce IDs, over logs that fail in ways of their own.

import { expect, test } from "vitest";
import { openEmbeddedLog, openLogFiles, produceOnce } from "../../bridge/index.ts";
import { LogUnavailable, type Log } from "../../kafka/log/index.ts";
import { appended, recordOf, temporaryFolder } from "../support/bridge.ts";

const red = { topic: "red", partition: 0 };

async function endOf(log: Log): Promise<number | undefined> {
  return (await log.offsets("latest", [red]))[0]?.offset;
}

test("a repeat is answered as the first time and not appended", async () => {
  const log = produceOnce(openEmbeddedLog());
  const [first] = await log.produce([recordOf("red", "x", "id:1")]);
  await log.produce([recordOf("red", "between")]);
  const [repeat] = await log.produce([recordOf("red", "x", "id:1")]);
  expect(repeat).toEqual(appended(first));
  expect(await endOf(log)).toBe(2);
});

test("a repeat that arrives while the first is in flight waits for the same answer", async () => {
  const inner = openEmbeddedLog();
  const gate = Promise.withResolvers<void>();
  const slow = produceOnce({
    ...inner,
    produce: async (records) => {
      await gate.promise;
      return inner.produce(records);
    },
  });
  const attempts = [0, 1, 2].map(() => slow.produce([recordOf("red", "x", "id:1")]));
  gate.resolve();
  const answers = await Promise.all(attempts);
  for (const [answer] of answers) expect(answer).toEqual(appended(answers[0]?.[0]));
  expect(await endOf(inner)).toBe(1);
});

test("repeats within one batch are appended once, and the other records keep their places", async () => {
  const log = produceOnce(openEmbeddedLog());
  const [a, b, c, d] = (
    await log.produce([
      recordOf("red", "x", "id:1"),
      recordOf("red", "y"),
      recordOf("red", "x", "id:1"),
      recordOf("red", "z", "id:2"),
    ])
  ).map(appended);
  expect([a?.offset, b?.offset, c?.offset, d?.offset]).toEqual([0, 1, 0, 2]);
});

test("a refused first attempt is not remembered: once the cause is gone, the repeat is appended", async () => {
  const inner = openEmbeddedLog({ topics: new Map([["red", 1]]) });
  const log = produceOnce(inner);
  const record = recordOf("red", "x", "id:1");
  expect((await log.produce([{ ...record, partition: 4 }]))[0]).toMatchObject({ why: "invalid" });
  expect(appended((await log.produce([record]))[0]).offset).toBe(0);
});

/** A log whose next produce appends, or does not, and then fails as if the connection had broken. */
function failingOnce(inner: Log, appends: boolean): Log {
  let failures = 1;
  return {
    ...inner,
    produce: async (records) => {
      if (failures-- <= 0) return inner.produce(records);
      if (appends) await inner.produce(records);
      throw new LogUnavailable("connection closed");
    },
  };
}

test("when an attempt was lost before it was appended, its repeat is appended", async () => {
  const log = produceOnce(failingOnce(openEmbeddedLog(), false));
  await expect(log.produce([recordOf("red", "x", "id:1")])).rejects.toThrow("connection closed");
  expect(appended((await log.produce([recordOf("red", "x", "id:1")]))[0]).offset).toBe(0);
  expect(await endOf(log)).toBe(1);
});

test("when an attempt was lost after it was appended, its repeat finds the record in the log", async () => {
  const log = produceOnce(failingOnce(openEmbeddedLog(), true));
  const batch = [recordOf("red", "x", "id:1"), recordOf("red", "y", "id:2")];
  await expect(log.produce(batch)).rejects.toThrow("connection closed");
  const repeat = (await log.produce([...batch, recordOf("red", "z", "id:3")])).map(appended);
  expect(repeat.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(await endOf(log)).toBe(3);
});

test("when a lost attempt was written but cannot be read yet, its repeat waits for that", async () => {
  const inner = openEmbeddedLog();
  let isConfirmed = false;
  let failures = 1;
  const log = produceOnce({
    ...inner,
    produce: async (records) => {
      const answers = await inner.produce(records);
      if (failures-- > 0)
        throw new LogUnavailable("not confirmed", { unsettled: [{ ...red, offset: answers.length }] });
      return answers;
    },
    offsets: async (query, partitions) =>
      isConfirmed
        ? inner.offsets(query, partitions)
        : partitions.map((partition) => ({ ...partition, offset: 0, log: "x" })),
  });
  const record = recordOf("red", "x", "id:1");
  await expect(log.produce([record])).rejects.toThrow("not confirmed");
  await expect(log.produce([record])).rejects.toThrow("not confirmed yet");
  isConfirmed = true;
  expect(appended((await log.produce([record]))[0]).offset).toBe(0);
  expect(await endOf(inner)).toBe(1);
});

test("a lost attempt whose record is dated back is found all the same", async () => {
  const log = produceOnce(failingOnce(openEmbeddedLog(), true));
  const record = { ...recordOf("red", "x", "id:1"), timestamp: Date.now() - 3_600_000 };
  await expect(log.produce([record])).rejects.toThrow("connection closed");
  expect(appended((await log.produce([record]))[0]).offset).toBe(0);
  expect(appended((await log.produce([record]))[0]).offset).toBe(0);
  expect(await endOf(log)).toBe(1);
});

test("while the tail of a topic cannot be read, its produces fail instead of slipping in twice", async () => {
  const inner = openEmbeddedLog({ topics: new Map([["red", 1]]) });
  let isReadable = false;
  const log = produceOnce({
    ...inner,
    offsets: async (query, partitions) => {
      if (!isReadable) throw new LogUnavailable("no broker");
      return inner.offsets(query, partitions);
    },
  });
  await expect(log.produce([recordOf("red", "x", "id:1")])).rejects.toThrow("no broker");
  expect(await endOf(inner)).toBe(0);
  isReadable = true;
  expect(appended((await log.produce([recordOf("red", "x", "id:1")]))[0]).offset).toBe(0);
});

test("only the tails of topics that are produced to with an ID are read, and each once", async () => {
  const inner = openEmbeddedLog({
    topics: new Map([
      ["red", 1],
      ["green", 1],
    ]),
  });
  const asked: string[] = [];
  const log = produceOnce({
    ...inner,
    offsets: async (query, partitions) => {
      asked.push(...partitions.map(({ topic }) => `${topic} ${query === "latest" ? "end" : "start"}`));
      return inner.offsets(query, partitions);
    },
  });
  await log.produce([recordOf("green", "x")]);
  await Promise.all(["1", "2", "3"].map((id) => log.produce([recordOf("red", "x", id)])));
  await log.produce([recordOf("red", "x", "4")]);
  expect(asked).toEqual(["red start", "red end"]);
});

test("nothing is absorbed without the header, with another ID, or in another topic", async () => {
  const log = produceOnce(openEmbeddedLog());
  for (const id of [undefined, undefined, "", "", "id:1", "id:2"])
    await log.produce([recordOf("red", "x", id)]);
  expect(await endOf(log)).toBe(6);
  const [other] = await log.produce([recordOf("green", "x", "id:1")]);
  expect(appended(other)).toMatchObject({ topic: "green", offset: 0 });
});

test("the window ends after its time and at its number of entries", async () => {
  let now = 1_000_000;
  const log = produceOnce(openEmbeddedLog({ now: () => now }), { now: () => now, maxEntries: 2 });
  const offsetOf = async (id: string) => appended((await log.produce([recordOf("red", "x", id)]))[0]).offset;
  expect(await offsetOf("a")).toBe(0);
  now += 59_999;
  expect(await offsetOf("a")).toBe(0);
  now += 1;
  expect(await offsetOf("a")).toBe(1);
  expect(await offsetOf("b")).toBe(2);
  expect(await offsetOf("c")).toBe(3);
  expect(await offsetOf("b")).toBe(2);
  expect(await offsetOf("a")).toBe(4);
});

test("after a restart the window is there again, from the records in the files", async () => {
  const folder = await temporaryFolder();
  let now = 1_000_000;
  const open = () =>
    produceOnce(openEmbeddedLog({ store: openLogFiles(folder), now: () => now }), { now: () => now });
  const before = open();
  const [old] = await before.produce([recordOf("red", "x", "old")]);
  now += 30_000;
  const [young] = await before.produce([recordOf("red", "x", "young")]);
  await before.close();
  now += 30_001;
  const after = open();
  expect((await after.produce([recordOf("red", "x", "young")]))[0]).toEqual(appended(young));
  expect(appended((await after.produce([recordOf("red", "x", "old")]))[0]).offset).toBe(
    appended(old).offset + 2,
  );
  await after.close();
});
