// The port's adapter and the published SDK against a bridge that fails, or something else in its place: what is really
// sent, what is believed of the answers, and that every call ends.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { createUpstashKafka } from "../../kafka/index.ts";
import { encodeText, type NewRecord } from "../../protocol/index.ts";
import { atOnce, password, testBridge, username } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startFaultProxy, type Fault } from "../support/fault-proxy.ts";
import { endlessAnswer, httpAnswer, wrongAnswers } from "../support/wrong-answers.ts";

const later = useCleanups();

const record: NewRecord = { topic: "requests", key: null, value: encodeText("x"), headers: [] };
const position = { topic: "requests", partition: 0, offset: 0, log: "" };

/** A bridge with one topic behind a proxy, and the port on that. */
async function behindProxy(fault?: Fault) {
  const bridge = await testBridge({ topics: new Map([["requests", 1]]) });
  const proxy = await startFaultProxy({ target: Number(new URL(bridge.url).port), reads: "http" });
  later(() => proxy.close());
  if (fault !== undefined) proxy.inject(fault);
  return { bridge, proxy, kafka: createUpstashKafka({ url: proxy.url, username, password }) };
}

/** Every call of the port, each with its time. */
async function askAll(kafka: ReturnType<typeof createUpstashKafka>, timeoutMs: number) {
  const startedAt = performance.now();
  const answers = await Promise.all([
    kafka.produce(record, timeoutMs),
    kafka.fetch([position], 0),
    kafka.offsets("latest", [position], timeoutMs),
    kafka.topics(timeoutMs),
    kafka.groupState("models", "requests", 1_000, timeoutMs),
  ]);
  return { statuses: answers.map(({ status }) => status), tookMs: performance.now() - startedAt, answers };
}

const nothing = ["unknown", ...Array.from({ length: 4 }, () => "unreachable")];
const everything = ["appended", "read", "read", "read", "read"];

async function startFailing(status: number) {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end('{"error":"broken"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  later(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const kafka = createUpstashKafka({ url: `http://127.0.0.1:${port}`, username, password });
  return { kafka, calls: () => calls };
}

test("a call that fails is sent once, and says what the bridge said", async () => {
  const { kafka, calls } = await startFailing(500);
  const { statuses, answers } = await askAll(kafka, 60_000);
  expect(statuses).toEqual(nothing);
  for (const answer of answers) {
    expect(answer).toMatchObject({ cause: { message: "the bridge answers 500: broken" } });
  }
  expect(calls()).toBe(5);
});

describe("in place of a bridge", () => {
  test.each(Object.entries(wrongAnswers))(
    "%s is believed by nobody: a produce is unknown, a read unreachable, and the next ones are as ever",
    async (_, bytes) => {
      const { bridge, proxy, kafka } = await behindProxy({
        kind: "answer",
        bytes: [bytes],
        isForwarded: true,
      });
      const { statuses, tookMs } = await askAll(kafka, 400);
      expect(statuses).toEqual(nothing);
      expect(tookMs).toBeLessThan(2_900);
      // It was written all the same, which is why nobody may call it refused.
      expect(await bridge.log.fetch([position], atOnce)).toHaveLength(1);
      proxy.heal();
      expect((await askAll(kafka, 2_000)).statuses).toEqual(everything);
    },
  );

  test("a body without an end is not read further than an answer can be long", async () => {
    const { proxy, kafka } = await behindProxy({
      kind: "answer",
      bytes: { [Symbol.iterator]: () => endlessAnswer()[Symbol.iterator]() },
      isForwarded: false,
    });
    const startedAt = performance.now();
    expect(await kafka.topics(60_000)).toMatchObject({ status: "unreachable" });
    expect(await kafka.produce(record, 60_000)).toMatchObject({ status: "unknown" });
    expect(await kafka.fetch([position], 0)).toMatchObject({ status: "unreachable" });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await expect.poll(() => proxy.open).toBe(0);
    expect(proxy.sent).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([301, 302, 303, 307, 308])(
    "a redirect with %i is not followed: neither credentials nor a record get anywhere else",
    async (status) => {
      const asked: string[] = [];
      const elsewhere = createServer((request, response) => {
        asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
        response.end("[]");
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
      later(() => new Promise((resolve) => elsewhere.close(resolve)));
      const { port } = elsewhere.address() as AddressInfo;
      const location = `http://127.0.0.1:${port}/hearback`;
      const { kafka } = await behindProxy({
        kind: "answer",
        bytes: [httpAnswer(status, "", { location })],
        isForwarded: false,
      });
      expect((await askAll(kafka, 400)).statuses).toEqual(nothing);
      expect(asked).toEqual([]);
    },
  );
});

const lost: readonly Fault[] = [
  { kind: "silent", side: "target" },
  { kind: "refuse" },
  { kind: "slow", latencyMs: 0, bytesPerSecond: 100 },
  ...([0, 30, 120] as const).flatMap((afterBytes) =>
    (["RST", "FIN"] as const).map((by) => ({ kind: "cut", afterBytes, by }) as const),
  ),
];

test.each(lost)(
  "%j: each call ends in its time with nothing, and connections do not pile up",
  async (fault) => {
    const { proxy, kafka } = await behindProxy(fault);
    const asked = askAll(kafka, 400);
    for (let call = 0; call < 10; call++) await kafka.topics(150);
    const { statuses, tookMs } = await asked;
    expect(statuses).toEqual(nothing);
    // A fetch has 2 s beyond its wait.
    expect(tookMs).toBeLessThan(2_900);
    // As many as were used at once; Node's client opens a new one for each that it had to close.
    expect(proxy.open).toBeLessThanOrEqual(7);
    proxy.heal();
    expect((await askAll(kafka, 2_000)).statuses).toEqual(everything);
  },
);

test("a bridge that is slow, but in time, is as good as any", async () => {
  const { kafka } = await behindProxy({ kind: "slow", latencyMs: 100, jitterMs: 50, bytesPerSecond: 20_000 });
  expect((await askAll(kafka, 2_000)).statuses).toEqual(everything);
});

test("a drain may ask for all partitions of many topics at once", async () => {
  const names = ["a", "b", "c", "d"].map((letter) => letter.repeat(249));
  const bridge = await testBridge({ topics: new Map(names.map((name) => [name, 1_000])) });
  const kafka = createUpstashKafka({ url: bridge.url, username, password });
  const asked = names.flatMap((topic) =>
    Array.from({ length: 1_000 }, (_, partition) => ({ topic, partition })),
  );
  const answer = await kafka.offsets("latest", asked, 10_000);
  expect(answer.status === "read" ? answer.value.length : answer).toBe(4_000);
});
