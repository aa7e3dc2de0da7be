// The responder kit on a real bridge: what becomes of every request it reads, and how it stops.

import { beforeEach, expect, test } from "vitest";
import {
  openEmbeddedGroups,
  openEmbeddedLog,
  produceOnce,
  startBridge,
  type Bridge,
} from "../../bridge/index.ts";
import { createUpstashKafka, type KafkaPort } from "../../kafka/index.ts";
import {
  encodeRequest,
  encodeText,
  maxRecordBytes,
  readHeader,
  textHeader,
  type KafkaRecord,
  type NewRecord,
  type RequestEnvelope,
} from "../../protocol/index.ts";
import { createResponder, type Handler, type ResponderOptions } from "../../responder/index.ts";
import { useCleanups } from "../support/cleanups.ts";

const credentials = (url: string) => ({ url, username: "dev", password: "dev" });

let bridge: Bridge;
let kafka: KafkaPort;

const later = useCleanups();

beforeEach(async () => {
  const embedded = openEmbeddedLog({
    topics: new Map([
      ["requests", 1],
      ["replies", 2],
    ]),
  });
  const log = produceOnce(embedded);
  const groups = openEmbeddedGroups({ log: embedded });
  bridge = await startBridge({ host: "127.0.0.1", port: 0, username: "dev", password: "dev", log, groups });
  kafka = createUpstashKafka(credentials(bridge.url));
  later(() => bridge.close());
});

function start(handler: Handler, options: Partial<ResponderOptions> = {}) {
  const errors: unknown[] = [];
  const responder = createResponder({
    kafka: credentials(bridge.url),
    topic: "requests",
    handler,
    onError: (cause) => errors.push(cause),
    ...options,
  });
  const running = responder.run();
  later(() => {
    responder.stop();
    return running;
  });
  return { responder, running, errors };
}

let sequence = 0;

async function request(body: string, overrides: Partial<RequestEnvelope> = {}): Promise<string> {
  const correlationId = (++sequence).toString(16).padStart(64, "0");
  const now = Date.now();
  const record = encodeRequest("requests", correlationId, encodeText(body), {
    correlationId,
    replyTopic: "replies",
    replyPartition: 1,
    createdAt: now,
    deadlineAt: now + 5_000,
    keepUntil: now + 5_000,
    attempt: 1,
    method: "POST",
    path: "/",
    query: "",
    forwarded: [["traceparent", "00-1-2-03"]],
    ...overrides,
  });
  await append(record);
  return correlationId;
}

async function append(record: NewRecord): Promise<void> {
  expect(await kafka.produce(record, 2_000)).toMatchObject({ status: "appended" });
}

async function replies(): Promise<readonly KafkaRecord[]> {
  const answer = await kafka.fetch([{ topic: "replies", partition: 1, offset: 0, log: "" }], 0);
  return answer.status === "read" ? answer.value : [];
}

async function replyTo(id: string): Promise<KafkaRecord> {
  await expect.poll(async () => (await replies()).some(isFor(id)), { timeout: 5_000 }).toBe(true);
  const found = (await replies()).find(isFor(id));
  if (found === undefined) throw new Error("the reply was there a moment ago");
  return found;
}

const isFor = (id: string) => (record: KafkaRecord) => readHeader(record.headers, "X-Correlation-ID") === id;
const text = (record: KafkaRecord) => new TextDecoder().decode(record.value ?? undefined);

test("[A6, C2, B10] a reply goes to the address of its request, with what the protocol wants copied", async () => {
  const { responder } = start((message) => ({ json: { echo: message.text() } }), { name: "one" });
  const id = await request("hello");
  const reply = await replyTo(id);
  expect([text(reply), reply.partition, new TextDecoder().decode(reply.key ?? undefined)]).toEqual([
    '{"echo":"hello"}',
    1,
    id,
  ]);
  const header = (name: string) => readHeader(reply.headers, name);
  expect([
    header("X-Reply-Status"),
    header("Content-Type"),
    header("X-Responder"),
    header("traceparent"),
  ]).toEqual(["200", "application/json", "one", "00-1-2-03"]);
  expect(Number(header("X-Stage-Replied"))).toBeGreaterThanOrEqual(Number(header("X-Stage-Received")));
  await expect.poll(() => responder.counts).toMatchObject({ received: 1, replied: 1, failed: 0 });
});

test("[D4] a handler that throws is a 502 with a code and no word of its message, and the next request is served", async () => {
  const { errors } = start((message) => {
    if (message.text() === "bad") throw new Error("secret");
    return { body: "fine" };
  });
  const bad = await replyTo(await request("bad"));
  expect([
    readHeader(bad.headers, "X-Reply-Status"),
    readHeader(bad.headers, "X-Reply-Error"),
    text(bad),
  ]).toEqual(["502", "responder_failed", ""]);
  expect(text(await replyTo(await request("good")))).toBe("fine");
  expect(errors).toHaveLength(1);
});

test("an expired request is skipped and counted, one within the allowance for clocks is served", async () => {
  const { responder } = start(() => ({ body: "x" }));
  await request("expired", { deadlineAt: Date.now() - 2_000 });
  const id = await request("just", { deadlineAt: Date.now() - 100 });
  await replyTo(id);
  expect(responder.counts).toMatchObject({ skipped: 1, received: 2 });
});

test("a request without a usable address is counted and holds up nobody", async () => {
  const { responder } = start(() => ({ body: "x" }));
  await append({
    topic: "requests",
    key: null,
    value: null,
    headers: [textHeader("X-Correlation-ID", "lost")],
  });
  await replyTo(await request("next"));
  expect(responder.counts).toMatchObject({ unanswerable: 1, replied: 1 });
});

test("a reply that Kafka will not take becomes a 502 instead of a timeout", async () => {
  const { errors } = start(() => ({ body: "x".repeat(maxRecordBytes) }));
  const reply = await replyTo(await request("big"));
  expect([readHeader(reply.headers, "X-Reply-Status"), readHeader(reply.headers, "X-Reply-Error")]).toEqual([
    "502",
    "reply_refused",
  ]);
  expect(errors).toHaveLength(1);
});

test("a responder that starts later answers what is still waiting", async () => {
  const id = await request("early bird");
  start((message) => ({ body: message.text() }));
  expect(text(await replyTo(id))).toBe("early bird");
});

test("no more requests are under way than the concurrency allows", async () => {
  let active = 0;
  let most = 0;
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const { responder } = start(
    async () => {
      most = Math.max(most, ++active);
      await gate;
      active--;
      return {};
    },
    { concurrency: 2 },
  );
  const ids = [await request("1"), await request("2"), await request("3"), await request("4")];
  await expect.poll(() => active).toBe(2);
  release();
  for (const id of ids) await replyTo(id);
  expect(most).toBe(2);
  expect(responder.counts.received).toBe(4);
});

test("stop finishes what is under way, takes up nothing more, and run resolves", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const { responder, running } = start(
    async () => {
      await gate;
      return { body: "finished" };
    },
    { concurrency: 1 },
  );
  const first = await request("first");
  await request("second");
  await expect.poll(() => responder.counts.received).toBe(1);
  responder.stop();
  release();
  await running;
  expect(text(await replyTo(first))).toBe("finished");
  expect(responder.counts).toMatchObject({ received: 1, replied: 1 });
});

test("Kafka out of reach is reported, not kept quiet", async () => {
  const { errors } = start(() => ({}), { kafka: { ...credentials(bridge.url), password: "wrong" } });
  await expect.poll(() => errors.length, { timeout: 5_000 }).toBeGreaterThan(0);
});
