// One contract for every dialect: a service that knows only its framework's headers is asked over HTTP and answers,
// unchanged. What each header says is in test/unit/dialects.test.ts.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEmbeddedGroups, openEmbeddedLog, produceOnce, startBridge } from "../../bridge/index.ts";
import { dialects, type DialectName } from "../../protocol/index.ts";
import { createResponder } from "../../responder/index.ts";
import type { ServiceOptions } from "../../worker/config.ts";
import {
  fixedReplyTopic,
  frameworks,
  startFramework,
  type FrameworkResponder,
  type Work,
} from "../support/framework-responders.ts";
import { startGateways, type RunningGateway } from "../support/gateways.ts";
import { password, user } from "../support/loop.ts";

const names = Object.keys(dialects) as DialectName[];
/** Its service speaks a dialect, and is answered by our own kit. */
const migrated = "migrated";
const event = { name: "cloudevents", type: "com.example.price.asked", source: "/shop" } as const;

function serviceFor(name: string, dialect: DialectName): ServiceOptions {
  return {
    route: `POST /${name}/:sku`,
    requestTopic: name,
    replyTopic: fixedReplyTopic,
    replyPartitions: 3,
    correlationIds: dialect === "spring-binary" ? "uuid" : "hex",
    headerDialect: dialect === "cloudevents" ? event : dialect,
    // So that the key, which some frameworks send back, leads nowhere.
    recordKey: { path: "sku" },
    timeoutMs: 5_000,
  };
}

let gateway: RunningGateway;
let responders: Readonly<Record<DialectName, FrameworkResponder>>;
const atTheEnd: (() => unknown)[] = [];
const later = (cleanup: () => unknown) => void atTheEnd.push(cleanup);

beforeAll(async () => {
  const log = openEmbeddedLog({
    topics: new Map([...names, migrated, fixedReplyTopic].map((topic) => [topic, 3])),
  });
  const groups = openEmbeddedGroups({ log });
  const login = { username: user, password };
  const bridge = await startBridge({ host: "127.0.0.1", port: 0, ...login, log: produceOnce(log), groups });
  later(async () => {
    await bridge.close();
    await groups.close();
    await log.close();
  });
  const started = names.map((name) => [name, startFramework(log, name, frameworks[name])] as const);
  for (const [, responder] of started) later(() => responder.stop());
  responders = Object.fromEntries(started) as Record<DialectName, FrameworkResponder>;
  const kit = createResponder({
    kafka: { bridge: bridge.url, ...login },
    topic: migrated,
    replyTopics: [fixedReplyTopic],
    onEvent: () => {},
    handler: (request) => ({ status: 201, body: `kit ${request.text()}`, contentType: "text/plain" }),
  });
  const running = kit.run();
  later(() => {
    kit.stop();
    return running;
  });
  const services = Object.fromEntries(names.map((name) => [name, serviceFor(name, name)]));
  const options = {
    produceTimeoutMs: 1_000,
    services: { ...services, migrated: serviceFor(migrated, "spring-binary") },
  };
  const { byName } = await startGateways(bridge.url, [{ name: "edge", options }], later);
  gateway = byName.edge;
});
afterAll(async () => {
  for (const cleanup of atTheEnd.toReversed()) await cleanup();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

async function ask(service: string, work: Work, key?: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}/${service}/tea?n=1`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": `"${key}"` }),
    },
    body: JSON.stringify(work),
  });
  const type = response.headers.get("content-type");
  const text = await response.text();
  return {
    status: response.status,
    type,
    body: type === null || type.endsWith("json") ? JSON.parse(text) : text,
  };
}

/** What each framework's service answers to a text, and the content type that its framework sends along. */
const expected: Readonly<Record<DialectName, (text: string) => Omit<Answer, "status">>> = {
  spring: (text) => ({ type: null, body: { spring: text } }),
  "spring-binary": (text) => ({ type: null, body: { spring: text } }),
  nest: (text) => ({ type: null, body: { nest: text } }),
  smallrye: (text) => ({ type: null, body: { smallrye: text } }),
  zilla: (text) => ({
    type: "application/vnd.zilla+json",
    body: { zilla: text, asked: "POST /zilla/tea?n=1" },
  }),
  rig: (text) => ({ type: "application/vnd.rig+json", body: { rig: text } }),
  "kafka-hooks": (text) => ({
    type: "application/json",
    body: { hooks: text, query: { n: "1" }, parameters: { sku: "tea" } },
  }),
  cloudevents: (text) => ({
    type: "application/vnd.event+json",
    body: { event: text, type: event.type, source: event.source, mediaType: "application/json" },
  }),
};

describe.each(names)("a service that speaks %s, unchanged,", (name) => {
  test("answers plain calls, each its own", async () => {
    const texts = Array.from({ length: 5 }, () => randomUUID());
    const answers = await Promise.all(texts.map((text) => ask(name, { text })));
    expect(answers).toEqual(texts.map((text) => ({ status: 200, ...expected[name](text) })));
    expect(responders[name].faults).toEqual([]);
  });

  test("answers a call with a key, once, for all who ask with it", async () => {
    const text = randomUUID();
    const before = responders[name].received;
    const answers = await Promise.all([ask(name, { text }, text), ask(name, { text }, text)]);
    const again = await ask(name, { text }, text);
    const answer = { status: 200, ...expected[name](text) };
    expect([...answers, again]).toEqual([answer, answer, answer]);
    expect(responders[name].received - before).toBe(1);
  });
});

describe.each(["zilla", "rig", "kafka-hooks"] as const)("the status that %s has a word for", (name) => {
  test("is the caller's, with the service's own body", async () => {
    const answer = await ask(name, { text: "none", status: "404" });
    expect(answer).toEqual({ status: 404, ...expected[name]("none") });
  });

  test("is a 502 at once when it is no status", async () => {
    expect(await ask(name, { text: "odd", status: "fine" })).toMatchObject({
      status: 502,
      body: { code: "reply_unreadable" },
    });
  });
});

test("an error of Nest is a 502 that says what it says, for a call with a key as well", async () => {
  for (const key of [undefined, randomUUID()]) {
    expect(await ask("nest", { text: "x", error: "out of tea" }, key)).toMatchObject({
      status: 502,
      type: "application/problem+json",
      body: { code: "responder_failed", detail: '{"status":"error","message":"out of tea"}' },
    });
  }
});

test.each(["spring", "spring-binary"] as const)(
  "a dead letter of %s on the reply topic is a 502 at once, and says nothing of the exception",
  async (name) => {
    const { status, body } = await ask(name, { text: "x", error: "password=secret" });
    expect([status, body]).toEqual([
      502,
      {
        type: "urn:hearback:problem:responder_failed",
        title: expect.any(String),
        status: 502,
        code: "responder_failed",
        correlationId: expect.any(String),
      },
    ]);
  },
);

test("our own kit answers a request in a dialect", async () => {
  expect(await ask(migrated, { text: "x" })).toEqual({
    status: 201,
    type: "text/plain",
    body: 'kit {"text":"x"}',
  });
});

test("no reply of any of them went astray: the ledger knows each", async () => {
  await expect.poll(async () => (await gateway.ledger()).inFlight, { timeout: 5_000 }).toBe(0);
  const { read, settled, verdicts } = await gateway.ledger();
  expect(settled).toBe(read);
  const { accepted = 0, held = 0, malformed = 0, ...astray } = verdicts;
  expect(accepted + held + malformed).toBe(read);
  expect(astray).toEqual({});
});
