// What the routes of consumer groups promise over any backend: the published SDK where it can, raw HTTP for the
// rest.

import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { createUpstashKafka } from "../../../kafka/index.ts";
import type { BackendUnderTest } from "./backend.ts";
import { earliest, eventually, open, type Message } from "./group-client.ts";

const success = { result: "Success", status: 200 };
const byHand = { ...earliest, "kafka-enable-auto-commit": "false" };

const valuesOf = (records: readonly Message[]): readonly string[] =>
  records.map(({ value }) => value).toSorted((one, other) => (one < other ? -1 : 1));

const numbered = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, at) => `v${String(from + at).padStart(3, "0")}`);

export function groupsContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: groups`, { timeout: 120_000 }, () => {
    test("the SDK consumes what it produced, commits an offset and reads the same number back", async () => {
      const { kafka, newTopic, group } = await open(backend);
      const topic = await newTopic(1);
      await kafka.producer().produce(topic, { n: 1 });
      const consumer = kafka.consumer();
      const name = { consumerGroupId: group, instanceId: "one" };
      const [record] = await eventually(async () => {
        const records = await consumer.consume({ ...name, topics: [topic], autoOffsetReset: "earliest" });
        return records.length > 0 ? records : undefined;
      });
      expect(record).toMatchObject({
        topic,
        partition: 0,
        offset: 0,
        value: '{"n":1}',
        key: "",
        headers: [],
      });
      await consumer.commit({ ...name, offset: { topic, partition: 0, offset: 0 } });
      const topicPartitions = [{ topic, partition: 0 }];
      expect(await consumer.committed({ ...name, topicPartitions })).toEqual([
        { topic, partition: 0, offset: 0 },
      ]);
      expect(await kafka.admin().committedOffsets({ ...name, topicPartitions })).toEqual([
        { topic, partition: 0, offset: 0 },
      ]);
    });

    test("the SDK lists an instance with its topics and partitions, and removes it", async () => {
      const { kafka, newTopic, group, sharesOf } = await open(backend);
      const topic = await newTopic(2);
      await sharesOf(group, ["one"], topic, 2);
      const listed = (await kafka.admin().consumers()).find(({ name }) => name === group);
      expect(listed).toMatchObject({ name: group, instances: [{ name: "one", topics: [{ topic }] }] });
      expect(listed?.instances[0]?.topics[0]?.partitions.toSorted()).toEqual([0, 1]);
      await kafka.admin().removeConsumerInstance(group, "one");
      await eventually(async () =>
        (await kafka.admin().consumers()).some(({ name }) => name === group) ? undefined : true,
      );
    });

    test("commit and delete-consumer of an instance that does not exist are 404", async () => {
      const { call, group, remove } = await open(backend);
      const problem = { result: "Error", error: expect.any(String), status: 404 };
      expect((await remove(`${group}/none`)).json).toEqual(problem);
      expect((await call(`/delete-consumer/${group}/none`, { method: "POST" })).json).toEqual(problem);
      expect((await call(`/commit/${group}/none`, { body: [] })).json).toEqual(problem);
    });

    test("two instances share the partitions, and no record is read twice", async () => {
      const { produce, newTopic, group, sharesOf, consumeOnce } = await open(backend);
      const topic = await newTopic(4);
      const [ones = [], others = []] = await sharesOf(group, ["one", "two"], topic, 4);
      expect([ones.length, others.length]).toEqual([2, 2]);
      await Promise.all([0, 1, 2, 3].map((at) => produce(topic, numbered(at * 10, at * 10 + 10), at)));
      const read = new Map<string, Message[]>([
        ["one", []],
        ["two", []],
      ]);
      const all = await eventually(async () => {
        await Promise.all(
          Array.from(read, async ([instance, records]) =>
            records.push(...(await consumeOnce(`${group}/${instance}`, [topic]))),
          ),
        );
        const found = [...read.values()].flat();
        return found.length >= 40 ? found : undefined;
      });
      expect(valuesOf(all)).toEqual(numbered(0, 40));
      expect(read.get("one")?.every(({ partition }) => ones.includes(partition))).toBe(true);
    });

    test("concurrent consumes of one instance read every record once", async () => {
      const { produce, newTopic, group, consume, consumeOnce } = await open(backend);
      const topic = await newTopic(2);
      await produce(topic, ["first"]);
      await consume(`${group}/one`, [topic], 1);
      const found: Message[] = [];
      const wanted = numbered(0, 60);
      const reading = Array.from({ length: 4 }, () =>
        eventually(async () => {
          found.push(...(await consumeOnce(`${group}/one`, [topic], earliest, 50)));
          return found.length >= wanted.length ? found : undefined;
        }),
      );
      for (const value of wanted) await produce(topic, [value]);
      await Promise.all(reading);
      expect(valuesOf(found)).toEqual(wanted);
    });

    test("a second group reads all again", async () => {
      const { produce, newTopic, group, consume } = await open(backend);
      const topic = await newTopic(2);
      await produce(topic, numbered(0, 10));
      expect(valuesOf(await consume(`${group}/one`, [topic], 10))).toEqual(numbered(0, 10));
      expect(valuesOf(await consume(`${group}-b/one`, [topic], 10))).toEqual(numbered(0, 10));
    });

    test("without auto-commit and without a commit, an instance made anew reads again", async () => {
      const { produce, newTopic, group, consume, remove } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, numbered(0, 3));
      await consume(`${group}/one`, [topic], 3, byHand);
      expect((await remove(`${group}/one`)).json).toEqual(success);
      expect(valuesOf(await consume(`${group}/one`, [topic], 3, byHand))).toEqual(numbered(0, 3));
    });

    test("with auto-commit, an instance made anew reads on where the one before was", async () => {
      const { produce, newTopic, group, consume, remove, committedOn } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, numbered(0, 3));
      await consume(`${group}/one`, [topic], 3);
      expect((await remove(`${group}/one`)).json).toEqual(success);
      expect(await committedOn(group, "one", topic)).toBe(3);
      await produce(topic, ["v003"]);
      expect(valuesOf(await consume(`${group}/one`, [topic], 1))).toEqual(["v003"]);
    });

    test("auto-commit happens at a consume after the interval, not before an answer is followed by one", async () => {
      const { produce, newTopic, group, consume, consumeOnce, committedOn } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, ["x"]);
      const headers = { ...earliest, "kafka-auto-commit-interval": "1" };
      await consume(`${group}/one`, [topic], 1, headers);
      expect(await committedOn(group, "one", topic)).toBe(-1);
      await eventually(async () => {
        await consumeOnce(`${group}/one`, [topic], headers, 10);
        return (await committedOn(group, "one", topic)) === 1 ? true : undefined;
      });
    });

    test("a new group begins at the end by default, and at the start with earliest", async () => {
      const { produce, newTopic, group, consume, sharesOf, consumeOnce } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, ["before"]);
      await sharesOf(group, ["one"], topic, 1, {});
      // The consume after the one that got the partition has a position for sure.
      expect(await consumeOnce(`${group}/one`, [topic], {}, 100)).toEqual([]);
      await produce(topic, ["after"]);
      expect(valuesOf(await consume(`${group}/one`, [topic], 1, {}))).toEqual(["after"]);
      expect(valuesOf(await consume(`${group}-b/one`, [topic], 2))).toEqual(["after", "before"]);
    });

    test("with reset none and nothing committed a consume is 400", async () => {
      const { newTopic, group, call } = await open(backend);
      const topic = await newTopic(1);
      const headers = { "kafka-auto-offset-reset": "none" };
      const refused = await eventually(async () => {
        const answer = await call(`/consume/${group}/one`, { body: { topic, timeout: 500 }, headers });
        return answer.status === 200 ? undefined : answer;
      });
      expect(refused.json).toEqual({ result: "Error", error: expect.any(String), status: 400 });
    });

    test.each([
      ["no body", undefined],
      ["an empty array", []],
    ])("a commit with %s commits what was consumed last: the offset to read next", async (_, body) => {
      const { produce, newTopic, group, consume, call, committedOn } = await open(backend);
      const topic = await newTopic(2);
      await produce(topic, numbered(0, 3), 0);
      await consume(`${group}/one`, [topic], 3, byHand);
      expect(await committedOn(group, "one", topic)).toBe(-1);
      const sent = { method: "POST", ...(body === undefined ? {} : { body }) };
      expect((await call(`/commit/${group}/one`, sent)).json).toEqual(success);
      expect(await committedOn(group, "one", topic, 0)).toBe(3);
      expect(await committedOn(group, "one", topic, 1)).toBe(-1);
    });

    test("a committed offset is where an instance made anew begins, whatever was consumed", async () => {
      const { produce, newTopic, group, consume, call, remove } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, numbered(0, 5));
      await consume(`${group}/one`, [topic], 5, byHand);
      await call(`/commit/${group}/one`, { body: { topic, partition: 0, offset: 2 } });
      await remove(`${group}/one`);
      expect(valuesOf(await consume(`${group}/one`, [topic], 3, byHand))).toEqual(numbered(2, 5));
    });

    test("a committed offset beyond the end is reset", async () => {
      const { produce, newTopic, group, consume, call, remove } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, numbered(0, 2));
      await consume(`${group}/one`, [topic], 2, byHand);
      await call(`/commit/${group}/one`, { body: { topic, partition: 0, offset: 1_000 } });
      await remove(`${group}/one`);
      expect(valuesOf(await consume(`${group}/one`, [topic], 2, byHand))).toEqual(numbered(0, 2));
    });

    test("one instance consumes several topics, and other topics from a later consume on", async () => {
      const { produce, newTopic, group, consume } = await open(backend);
      const [red, green, blue] = [await newTopic(1), await newTopic(2), await newTopic(1)];
      await produce(red, ["red"]);
      await produce(green, ["green"]);
      await produce(blue, ["blue"]);
      const both = await consume(`${group}/one`, [red, green], 2);
      expect(valuesOf(both)).toEqual(["green", "red"]);
      expect(valuesOf(await consume(`${group}/one`, [blue], 1))).toEqual(["blue"]);
      await produce(red, ["again"]);
      // The change of topics committed what had been handed out.
      expect(valuesOf(await consume(`${group}/one`, [red, green], 1))).toEqual(["again"]);
    });

    test("consume, commit and committed take GET: the topic in the path, or the body of the POST", async () => {
      const { produce, newTopic, group, call } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, ["x"]);
      const found = await eventually(async () => {
        const { json } = await call(`/consume/${group}/one/${topic}/?timeout=500`, { headers: earliest });
        return Array.isArray(json) && json.length > 0 ? json : undefined;
      });
      expect(found).toMatchObject([{ topic, value: "x" }]);
      const get = (path: string, body?: unknown) =>
        call(path, {
          method: "GET",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          ...(body === undefined ? {} : { body }),
        });
      expect((await get(`/consume/${group}/one`, { topic, timeout: 1 })).text).toBe("[]");
      expect((await get(`/commit/${group}/one/`)).json).toEqual(success);
      expect((await get(`/committed/${group}/one`, { topic, partition: 0 })).json).toEqual([
        { topic, partition: 0, offset: 1 },
      ]);
      expect((await get(`/commit/${group}/one`, { topic, partition: 0, offset: 0 })).json).toEqual(success);
      expect((await get(`/committed/${group}/one`, [{ topic, partition: 0 }])).json).toEqual([
        { topic, partition: 0, offset: 0 },
      ]);
    });

    test("delete-consumer hands the partitions to the other instance, which reads on", async () => {
      const { produce, newTopic, group, sharesOf, consumeOnce, consume, remove } = await open(backend);
      const topic = await newTopic(2);
      await sharesOf(group, ["one", "two"], topic, 2);
      await Promise.all([0, 1].map((at) => produce(topic, [`first-${at}`], at)));
      const before: Message[] = [];
      await eventually(async () => {
        for (const instance of ["one", "two"]) {
          before.push(...(await consumeOnce(`${group}/${instance}`, [topic])));
        }
        return before.length >= 2 ? true : undefined;
      });
      expect((await remove(`${group}/one`)).json).toEqual(success);
      expect(await sharesOf(group, ["two"], topic, 2)).toEqual([[0, 1]]);
      await Promise.all([0, 1].map((at) => produce(topic, [`second-${at}`], at)));
      const after = (await consume(`${group}/two`, [topic], 2)).filter(
        ({ value }) => !value.startsWith("first-1") && !value.startsWith("first-0"),
      );
      expect(valuesOf(after)).toEqual(["second-0", "second-1"]);
    });

    test("an instance that is made anew gets the share it had", async () => {
      const { newTopic, group, sharesOf, remove } = await open(backend);
      const topic = await newTopic(4);
      const before = await sharesOf(group, ["one", "two"], topic, 4);
      await remove(`${group}/one`);
      expect(await sharesOf(group, ["one", "two"], topic, 4)).toEqual(before);
    });

    test("a consume is answered at the first record, long before its timeout", async () => {
      const { produce, newTopic, group, sharesOf, call } = await open(backend);
      const topic = await newTopic(2);
      await sharesOf(group, ["one"], topic, 2);
      const startedAt = Date.now();
      const polled = call(`/consume/${group}/one`, { body: { topic, timeout: 25_000 } });
      await produce(topic, ["x"]);
      expect((await polled).json).toMatchObject([{ topic, value: "x" }]);
      expect(Date.now() - startedAt).toBeLessThan(15_000);
    });

    test("under /hearback records are base64, and the rest is the same", async () => {
      const { produce, newTopic, group, call } = await open(backend);
      const topic = await newTopic(1);
      await produce(topic, ["zwei, ü"]);
      const found = await eventually(async () => {
        const body = { topic, timeout: 500 };
        const { json } = await call(`/hearback/consume/${group}/one`, { body, headers: earliest });
        return Array.isArray(json) && json.length > 0 ? json : undefined;
      });
      expect(found).toMatchObject([{ key: null, value: Buffer.from("zwei, ü").toString("base64") }]);
      expect((await call(`/hearback/commit/${group}/one`, { body: "" })).json).toEqual(success);
      const body = { topic, partition: 0 };
      expect((await call(`/hearback/committed/${group}/one`, { body })).json).toEqual([
        { topic, partition: 0, offset: 1 },
      ]);
    });

    test("its state says whether a group has members, and whether it left something unread for so long", async () => {
      const { bridge, produce, newTopic, group, consume, call, remove } = await open(backend);
      const port = createUpstashKafka(bridge);
      const topic = await newTopic(2);
      const state = (unreadMs: number, name = group) => port.groupState(name, topic, unreadMs, 10_000);
      const is = (members: number, isBehind: boolean) => ({ status: "read", value: { members, isBehind } });
      const becomes = (members: number, isBehind: boolean, name?: string) =>
        eventually(async () => {
          const found = await state(1, name);
          return JSON.stringify(found) === JSON.stringify(is(members, isBehind)) ? true : undefined;
        });
      const day = 86_400_000;
      await produce(topic, numbered(0, 3), 0);
      await becomes(0, false);
      // Of any name that Kafka takes.
      await becomes(0, false, "a b/ü?");
      await consume(`${group}/one`, [topic], 3, byHand);
      // Nothing is committed: where it began is its own affair.
      await becomes(1, false);
      await call(`/commit/${group}/one`, { body: { topic, partition: 0, offset: 2 } });
      await becomes(1, true);
      expect(await state(day)).toEqual(is(1, false));
      await call(`/commit/${group}/one`, { body: { topic, partition: 0, offset: 3 } });
      await becomes(1, false);
      await produce(topic, ["late"], 0);
      await becomes(1, true);
      await remove(`${group}/one`);
      await becomes(0, false);
    });

    test.each([
      ["no age", ""],
      ["an age that is no number", "?unread-ms=soon"],
      ["an age of over a day", "?unread-ms=86400001"],
    ])(
      "the state of a group with %s is 400, and a topic that does not exist is not behind",
      async (_, query) => {
        const { call, group } = await open(backend);
        expect((await call(`/hearback/group/${group}/none${query}`)).status).toBe(400);
        expect((await call(`/hearback/group/${group}/a%20b?unread-ms=1`)).status).toBe(400);
        const state = await eventually(async () => {
          const { status, json } = await call(`/hearback/group/${group}/none?unread-ms=1`);
          // A cluster that is new has to find a coordinator.
          return status === 503 ? undefined : json;
        });
        expect(state).toEqual({ members: 0, isBehind: false });
        // The vendor's API has no such path.
        expect((await call(`/group/${group}/none?unread-ms=1`)).status).toBe(404);
      },
    );

    test.each([
      ["no topic", {}, {}],
      ["topics that are no strings", { topics: [1] }, {}],
      ["a topic name that Kafka forbids", { topic: "a b" }, {}],
      ["a timeout that is no number", { topic: "red", timeout: "1" }, {}],
      [
        "an auto-commit that is neither true nor false",
        { topic: "red" },
        { "kafka-enable-auto-commit": "1" },
      ],
      ["an interval that is no number", { topic: "red" }, { "kafka-auto-commit-interval": "soon" }],
      ["an unknown reset", { topic: "red" }, { "kafka-auto-offset-reset": "middle" }],
      ["a session timeout of 0", { topic: "red" }, { "kafka-session-timeout-ms": "0" }],
    ])("a consume with %s is 400 and makes no instance", async (_, body, headers) => {
      const { group, call, remove } = await open(backend);
      const answer = await call(`/consume/${group}/one`, { body, headers });
      expect(answer.json).toEqual({ result: "Error", error: expect.any(String), status: 400 });
      expect((await remove(`${group}/one`)).status).toBe(404);
    });

    test("names of groups and instances that Kafka would not take for a topic are 400", async () => {
      const { call } = await open(backend);
      for (const place of ["a%20b/one", "a/o%2Fne", `${"g".repeat(250)}/one`]) {
        expect((await call(`/consume/${place}`, { body: { topic: "red" } })).status).toBe(400);
        expect((await call(`/commit/${place}`, { body: "" })).status).toBe(400);
      }
    });
  });
}
