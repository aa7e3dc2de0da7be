// Wanted topics against found ones: every finding, and what a new topic gets. No broker.

import { expect, test } from "vitest";
import {
  compareTopics,
  newTopic,
  wantedTopics,
  type FoundTopic,
  type WantedTopic,
} from "../../dev/topics/index.ts";
import config from "../../hearback.config.ts";

const reply: WantedTopic = {
  name: "replies",
  role: "reply",
  partitions: 3,
  beyond: "read",
  longestTimeoutMs: 300_000,
  largestBodyBytes: 0,
};
const request: WantedTopic = { ...reply, name: "requests", role: "request", largestBodyBytes: 1_000_000 };
const fine: FoundTopic = {
  name: "replies",
  partitions: 3,
  replicas: 3,
  minInsyncReplicas: 2,
  cleanupPolicy: "delete",
  retentionMs: 3_600_000,
  maxMessageBytes: 1_048_588,
};
const findingsOf = (wanted: WantedTopic, found: Partial<FoundTopic>, brokers = 3) =>
  compareTopics([wanted], [{ ...fine, name: wanted.name, ...found }], brokers).map(
    ({ kind, text, remedy }) => `${kind}${remedy === undefined ? "" : ` (${remedy})`}: ${text}`,
  );

test("the config's topics are wanted with the config's reply partitions", () => {
  expect(wantedTopics(config.services)).toMatchObject([
    { name: "inference.requests.v1", role: "request", partitions: 3, longestTimeoutMs: 300_000 },
    { name: "inference.replies.v1", role: "reply", partitions: 3, longestTimeoutMs: 300_000 },
    { name: "orders.requests.v1", role: "request", partitions: 3, longestTimeoutMs: 300_000 },
    { name: "shop.replies.v1", role: "reply", partitions: 3, longestTimeoutMs: 300_000 },
    { name: "baskets.requests.v1", role: "request", partitions: 3, longestTimeoutMs: 300_000 },
    { name: "customers.requests.v1", role: "request", partitions: 3, longestTimeoutMs: 300_000 },
  ]);
});

test("of a set of partitions the whole topic is wanted, and by key no other number of partitions", () => {
  const [service] = config.services;
  if (service === undefined) throw new Error("the config has a service");
  const wanted = (replyRouting: "partition" | "key") =>
    wantedTopics([{ ...service, replyPartitions: { own: [3], of: 10 }, replyRouting }])[1];
  expect(wanted("partition")).toMatchObject({ role: "reply", partitions: 10, beyond: "others" });
  expect(wanted("key")).toMatchObject({ role: "reply", partitions: 10, beyond: "astray" });
  expect(
    wantedTopics(
      (["partition", "key"] as const).map((replyRouting) => ({
        ...service,
        replyPartitions: { own: [3], of: 10 },
        replyRouting,
      })),
    )[1],
  ).toMatchObject({ beyond: "astray" });
});

test("a reply topic of two services is wanted once, with the longer timeout", () => {
  const [service] = config.services;
  if (service === undefined) throw new Error("the config has a service");
  const services = [service, { ...service, requestTopic: "other", asyncTimeoutMs: 600_000 }];
  expect(wantedTopics(services).map(({ name, longestTimeoutMs }) => [name, longestTimeoutMs])).toEqual([
    ["inference.requests.v1", 300_000],
    ["inference.replies.v1", 600_000],
    ["other", 600_000],
  ]);
});

test("topics as they should be give nothing to say", () => {
  expect(findingsOf(reply, {})).toEqual([]);
  expect(findingsOf(request, {})).toEqual([]);
  expect(findingsOf(reply, { retentionMs: -1 })).toEqual([]);
  expect(findingsOf(reply, { replicas: 1, minInsyncReplicas: 1 }, 1)).toEqual([]);
});

test("a topic that is missing can be created", () => {
  expect(compareTopics([reply], [], 1)).toEqual([
    { topic: "replies", kind: "missing", text: "does not exist; 3 partitions are wanted", remedy: "create" },
  ]);
});

test.each([
  [reply, { partitions: 2 }, /^danger \(add partitions\): has 2 partitions and the config says 3/],
  [reply, { partitions: 4 }, /^note: has 4 partitions .* read after the next tick$/],
  [{ ...reply, beyond: "others" }, { partitions: 4 }, /^note: .* no request names the others/],
  [{ ...reply, beyond: "astray" }, { partitions: 4 }, /^danger: .* keys lead replies to other partitions$/],
  [reply, { cleanupPolicy: "compact" }, /^danger: has cleanup.policy=compact/],
  [request, { cleanupPolicy: "compact,delete" }, /^danger: has cleanup.policy=compact,delete/],
  [reply, { retentionMs: 299_999 }, /^danger: has retention.ms=299999, less than the 300000 ms/],
  [request, { maxMessageBytes: 1_000_000 }, /^note: has max.message.bytes=1000000/],
  [reply, { replicas: 1, minInsyncReplicas: 2 }, /^danger: .* every produce is refused$/],
  [reply, { replicas: 1, minInsyncReplicas: 1 }, /^note: has one replica on a cluster of 3/],
  [reply, { replicas: 3, minInsyncReplicas: 3 }, /^note: .* no produce while one broker is down$/],
  [reply, { replicas: 3, minInsyncReplicas: 1 }, /^note: .* may be lost with its broker$/],
] as const)("%o with %o is one finding", (wanted, found, said) => {
  expect(findingsOf(wanted, found)).toEqual([expect.stringMatching(said)]);
});

test("a request topic may have any number of partitions", () => {
  expect(findingsOf(request, { partitions: 1 })).toEqual([]);
  expect(findingsOf(request, { partitions: 30 })).toEqual([]);
});

test("a new topic has as many replicas as brokers, at most three, and can lose one of three", () => {
  const of = (brokers: number, replicas?: number) => {
    const made = newTopic(reply, brokers, replicas);
    return [made.replicas, made.configs["min.insync.replicas"]];
  };
  expect([of(1), of(2), of(3), of(9), of(9, 1)]).toEqual([
    [1, "1"],
    [2, "1"],
    [3, "2"],
    [3, "2"],
    [1, "1"],
  ]);
});

test("a new topic is kept for much longer than anybody waits, and never compacted", () => {
  expect(newTopic(reply, 1).configs).toMatchObject({ "cleanup.policy": "delete", "retention.ms": "3600000" });
  expect(newTopic({ ...reply, longestTimeoutMs: 900_000 }, 1).configs["retention.ms"]).toBe("9000000");
});
