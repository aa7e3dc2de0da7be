// Consumer instances: their life in the bridge, beyond what the contract asks of every backend.

import { expect, onTestFinished, test } from "vitest";
import { openEmbeddedGroups, openEmbeddedLog, openOffsetsFile } from "../../bridge/index.ts";
import { createConsumers, LogUnavailable, type ConsumeRequest, type Groups } from "../../kafka/log/index.ts";
import { recordOf, temporaryFolder } from "../support/bridge.ts";

const options = {
  autoCommit: true,
  autoCommitIntervalMs: 5_000,
  reset: "earliest",
  sessionTimeoutMs: 10_000,
} as const;

function setUp(
  more: { maxInstances?: number; groups?: (real: Groups) => Groups; afterFetch?: () => void } = {},
) {
  const clock = { now: 0 };
  const log = openEmbeddedLog({ topics: new Map([["red", 2]]), retentionBytes: 200 });
  const groups = openEmbeddedGroups({ log });
  const errors: unknown[] = [];
  const make = () => {
    const consumers = createConsumers({
      log: {
        ...log,
        async fetch(...asked) {
          const records = await log.fetch(...asked);
          more.afterFetch?.();
          return records;
        },
      },
      groups: more.groups?.(groups) ?? groups,
      maxBytes: 1_000_000,
      now: () => clock.now,
      onError: (cause) => errors.push(cause),
      ...(more.maxInstances === undefined ? {} : { maxInstances: more.maxInstances }),
    });
    onTestFinished(() => consumers.close());
    return consumers;
  };
  return { clock, log, groups, errors, make, consumers: make() };
}

function requestOf(instance: string, more: Partial<ConsumeRequest> = {}): ConsumeRequest {
  const { signal } = new AbortController();
  return { group: "g", instance, topics: ["red"], options, timeoutMs: 0, signal, ...more };
}

test("an instance that is not used for its session timeout is closed, and commits as it goes", async () => {
  const { clock, log, groups, consumers } = setUp();
  await log.produce([recordOf("red", "x")]);
  await consumers.consume(requestOf("one"));
  clock.now = 9_999;
  await consumers.closeIdle();
  expect(consumers.size).toBe(1);
  clock.now = 10_000;
  await consumers.closeIdle();
  expect(consumers.size).toBe(0);
  expect(await groups.describe()).toEqual([]);
  expect(await groups.committed("g", [{ topic: "red", partition: 0 }])).toMatchObject([{ offset: 1 }]);
});

test("instances beyond the bound are refused, those that exist are served", async () => {
  const { consumers } = setUp({ maxInstances: 1 });
  await consumers.consume(requestOf("one"));
  expect(await consumers.consume(requestOf("two"))).toEqual({ refused: "too-many" });
  expect(await consumers.consume(requestOf("one"))).toMatchObject({ records: [] });
});

test("what was read for a client that has gone is read again by the next consume", async () => {
  const leaving = new AbortController();
  const { log, consumers } = setUp({ afterFetch: () => leaving.abort() });
  await log.produce([recordOf("red", "x")]);
  expect(await consumers.consume(requestOf("one", { signal: leaving.signal }))).toMatchObject({
    records: [],
  });
  expect(await consumers.consume(requestOf("one"))).toMatchObject({ records: [{ offset: 0 }] });
});

test("partitions that come back are read on where the other left them", async () => {
  const { log, consumers } = setUp();
  await consumers.consume(requestOf("one"));
  await consumers.consume(requestOf("two"));
  await log.produce([{ ...recordOf("red", "y"), partition: 1 }]);
  expect(await consumers.consume(requestOf("two"))).toMatchObject({ records: [{ partition: 1 }] });
  await consumers.remove({ group: "g", instance: "two" });
  expect(await consumers.consume(requestOf("one"))).toMatchObject({ records: [] });
});

test("partitions that go to a newcomer are committed first, and it reads on there", async () => {
  const { log, consumers } = setUp();
  await log.produce([recordOf("red", "x"), { ...recordOf("red", "y"), partition: 1 }]);
  expect(await consumers.consume(requestOf("one"))).toMatchObject({ records: [{}, {}] });
  expect(await consumers.consume(requestOf("two"))).toMatchObject({ records: [] });
});

test("a position that retention has overtaken is reset while the instance lives", async () => {
  const { log, consumers } = setUp();
  await consumers.consume(requestOf("one"));
  for (let at = 0; at < 20; at++) await log.produce([recordOf("red", String(at))]);
  const answer = await consumers.consume(requestOf("one", { timeoutMs: 1_000 }));
  expect(answer).toMatchObject({
    records: expect.arrayContaining([expect.objectContaining({ offset: 19 })]),
  });
});

test("a name that another took is taken back by the next consume, not by the one that lost it", async () => {
  const { log, consumers, make } = setUp();
  const other = make();
  await consumers.consume(requestOf("one"));
  await other.consume(requestOf("one"));
  expect(await consumers.commit({ group: "g", instance: "one" })).toBe("unknown");
  await log.produce([recordOf("red", "x")]);
  expect(await consumers.consume(requestOf("one"))).toMatchObject({ records: [{ offset: 0 }] });
  expect(await other.commit({ group: "g", instance: "one" })).toBe("unknown");
});

test("a group out of reach is an empty answer after the timeout", async () => {
  const join = () => Promise.reject(new LogUnavailable("no broker"));
  const { consumers, errors } = setUp({ groups: (real) => ({ ...real, join }) });
  const startedAt = performance.now();
  expect(await consumers.consume(requestOf("one", { timeoutMs: 50 }))).toMatchObject({ records: [] });
  expect(performance.now() - startedAt).toBeGreaterThan(40);
  expect(errors).toEqual([]);
});

test("a topic that is created later is shared out to those who wait for it", async () => {
  const { log, consumers } = setUp();
  const waiting = consumers.consume(requestOf("one", { topics: ["later"], timeoutMs: 30_000 }));
  await log.produce([recordOf("later", "x")]);
  expect(await waiting).toMatchObject({ records: [{ topic: "later", offset: 0 }] });
});

test("committed offsets survive a restart on the same folder", async () => {
  const folder = await temporaryFolder();
  const log = openEmbeddedLog({ topics: new Map([["red", 1]]) });
  const open = () => openEmbeddedGroups({ log, store: openOffsetsFile(folder) });
  const member = await open().join({ group: "g", instance: "one", topics: ["red"], sessionTimeoutMs: 1_000 });
  await Promise.all([1, 2, 7].map((offset) => member.commit([{ topic: "red", partition: 0, offset }])));
  // Not closed: an answered commit is on its own.
  expect(await open().committed("g", [{ topic: "red", partition: 0 }])).toMatchObject([{ offset: 7 }]);
});
