// Who is let through to a service that fails, is full, or has nobody to answer: over HTTP, through a whole gateway. A
// service of its own for each test, since what a gateway has learned stays with it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import { createResponder } from "../../responder/index.ts";
import type { GatewayOptions, ServiceOptions } from "../../worker/config.ts";
import { useCleanups } from "../support/cleanups.ts";
import { resetClient } from "../support/killed-client.ts";
import { startLogResponder } from "../support/log-responder.ts";
import { bridgeOver } from "../support/embedded-bridge.ts";
import { credentialsFor, password, user } from "../support/loop.ts";
import { startRestartableGateway } from "../support/restartable-gateway.ts";

const later = useCleanups();
const atTheEnd: (() => unknown)[] = [];

const timeoutMs = 400;
const brief = { timeoutMs, breaker: { openMs: 1_000 } } as const;
const neutral = { prediction: 0.5, error: "circuit_broken" } as const;
const fallback = { body: neutral } as const;
const services: Readonly<Record<string, Partial<ServiceOptions>>> = {
  failing: brief,
  probed: { timeoutMs: 2_000, breaker: { failures: 1, openMs: 1_000 } },
  neutral: { ...brief, fallback },
  patient: { ...brief, breaker: false, fallback: { ...fallback, status: 203, onTimeout: true } },
  keyed: brief,
  narrow: { timeoutMs: 10_000, capacity: 3 },
  wide: { timeoutMs: 10_000 },
  fair: { timeoutMs: 10_000, capacityPerPrincipal: 2 },
  grouped: { timeoutMs: 1_000, breaker: false, responderGroup: "models" },
  substituted: { timeoutMs: 1_000, breaker: false, responderGroup: "nobody", fallback },
};

const names = Object.keys(services);
const log = openEmbeddedLog({
  topics: new Map([...names.map((name) => [name, 2] as const), ["replies", 1]]),
});
let url: string;
let bridgeUrl: string;
/** What the Worker has said. */
let lines: readonly string[];

beforeAll(async () => {
  const bridge = await bridgeOver(log, (cleanup) => atTheEnd.push(cleanup));
  bridgeUrl = bridge.url;
  const shared = { replyTopic: "replies" };
  const options: GatewayOptions = {
    produceTimeoutMs: 300,
    workersPlan: "paid",
    services: Object.fromEntries(
      names.map((name) => [
        name,
        { ...shared, route: `POST /${name}`, requestTopic: name, ...services[name] },
      ]),
    ),
  };
  const gateway = await startRestartableGateway(
    {
      entry: "test/fixtures/loop/routed-entry.ts",
      name: "hearback-admission",
      variables: {
        ...credentialsFor(bridgeUrl),
        HEARBACK_OPERATOR_ACCESS: "open",
        GATEWAY_OPTIONS: JSON.stringify(options),
      },
    },
    (cleanup) => atTheEnd.push(cleanup),
  );
  url = gateway.url;
  lines = gateway.lines;
});
afterAll(async () => {
  for (const cleanup of atTheEnd.toReversed()) await cleanup();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function ask(
  service: string,
  headers: Readonly<Record<string, string>> = {},
  text = "x",
): Promise<Answer> {
  const response = await fetch(`${url}/${service}`, { method: "POST", body: text, headers });
  const answered = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(answered) as Record<string, unknown>) : {},
    text: answered,
  };
}

const key = (text: string) => ({ "idempotency-key": `"${text} of sixteen letters"` });

async function statusesOf(service: string, count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(service)));
  return answers.map(({ status }) => status);
}

async function recordsOf(topic: string): Promise<number> {
  const ends = await log.offsets(
    "latest",
    [0, 1].map((partition) => ({ topic, partition })),
  );
  return ends.reduce((sum, { offset }) => sum + offset, 0);
}

interface Report {
  readonly underWay: number;
  readonly admitted: number;
  readonly probes: number;
  readonly breaker: { readonly status: string; readonly openUntil?: number };
  readonly responders?: string;
  readonly transitions: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}

async function reportOf(service: string): Promise<Report> {
  const response = await fetch(`${url}/_hearback/admission`);
  const { services: all } = (await response.json()) as { services: Record<string, Report> };
  const report = all[service];
  if (report === undefined) throw new Error(`nothing is reported of ${service}`);
  return report;
}

function answering(topic: string) {
  const responder = startLogResponder(log, { topics: [topic] });
  later(() => responder.stop());
  return responder;
}

test("a client that leaves its probe takes nothing from others: what the probe finds out counts", async () => {
  expect((await ask("probed")).status).toBe(504);
  const responder = answering("probed");
  responder.hold();
  const openUntil = (await reportOf("probed")).breaker.openUntil ?? 0;
  await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThan(openUntil);
  const leaving = resetClient.begin(`${url}/probed`, "x", {});
  await expect.poll(() => responder.received).toBe(2);
  await leaving.kill();
  expect(await reportOf("probed")).toMatchObject({ probes: 1, breaker: { status: "half-open" } });
  await responder.release();
  await expect.poll(() => reportOf("probed")).toMatchObject({ probes: 1, breaker: { status: "closed" } });
});

test("five waits in vain open the breaker: then nothing is produced but its probes, and a reply closes it", async () => {
  expect(await statusesOf("failing", 5)).toEqual([504, 504, 504, 504, 504]);
  const refused = await ask("failing");
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({
    code: "circuit_open",
    correlationId: refused.headers.get("x-correlation-id"),
  });
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(new Set(await statusesOf("failing", 20))).toEqual(new Set([503]));
  expect(await recordsOf("failing")).toBe(5);

  // The first that is let through again probes, in vain; while it does, all others are refused.
  const probed = async () => (await statusesOf("failing", 4)).toSorted((a, b) => a - b);
  await expect.poll(probed, { timeout: 5_000 }).toEqual([503, 503, 503, 504]);
  expect((await ask("failing")).body).toMatchObject({ code: "circuit_open" });
  const report = await reportOf("failing");
  expect(report).toMatchObject({ breaker: { status: "open" }, transitions: { open: 2 }, underWay: 0 });
  expect(await recordsOf("failing")).toBe(5 + report.probes);

  answering("failing");
  await expect.poll(async () => (await ask("failing")).status, { timeout: 5_000 }).toBe(200);
  expect(await statusesOf("failing", 10)).toEqual(Array.from({ length: 10 }, () => 200));
  const after = await reportOf("failing");
  expect(after).toMatchObject({ breaker: { status: "closed" }, transitions: { closed: 1 } });
  expect(await recordsOf("failing")).toBe(after.admitted);
  const told = lines.filter((line) => line.includes("the breaker of failing"));
  const { open = 0, "half-open": halfOpen = 0, closed = 0 } = after.transitions;
  expect(told).toHaveLength(open + halfOpen + closed);
});

test("[E41] a service with a fallback gives it while its breaker is open, and keeps it under no key", async () => {
  await statusesOf("neutral", 5);
  const degraded = await ask("neutral", key("first"));
  expect(degraded.status).toBe(200);
  expect(degraded.body).toEqual({ ...neutral, degraded: true });
  expect(degraded.headers.get("content-type")).toBe("application/json");
  expect(degraded.headers.get("x-correlation-id")).toMatch(/^[0-9a-f]{64}$/);
  expect(await recordsOf("neutral")).toBe(5);
  answering("neutral");
  await expect.poll(async () => (await ask("neutral")).text, { timeout: 5_000 }).toBe("neutral:x");
  expect((await ask("neutral", key("first"))).text).toBe("neutral:x");
});

test("a fallback on timeout stands in for the 504, and the late answer is still to be had under the key", async () => {
  const plain = await ask("patient");
  expect([plain.status, plain.body]).toEqual([203, { ...neutral, degraded: true }]);
  const keyed = await ask("patient", key("late"));
  expect([keyed.status, keyed.body]).toEqual([203, { ...neutral, degraded: true }]);
  expect(keyed.headers.get("location")).toMatch(/^\/requests\//);
  answering("patient");
  await expect
    .poll(async () => (await ask("patient", key("late"))).text, { timeout: 5_000 })
    .toBe("patient:x");
});

test("under an open breaker a key finds its answer, and its exchange that still waits, and a new key is refused", async () => {
  const responder = answering("keyed");
  expect((await ask("keyed", key("answered"))).text).toBe("keyed:x");
  responder.hold();
  expect((await ask("keyed", { ...key("pending"), prefer: "respond-async" })).status).toBe(202);
  expect(await statusesOf("keyed", 5)).toEqual([504, 504, 504, 504, 504]);
  const records = await recordsOf("keyed");

  const refused = await ask("keyed", key("new"));
  expect([refused.status, refused.body["code"]]).toEqual([503, "circuit_open"]);
  expect((await ask("keyed", key("answered"))).text).toBe("keyed:x");
  expect((await ask("keyed", key("answered"), "another")).body).toMatchObject({
    code: "idempotency_key_reused",
  });
  const joined = await ask("keyed", { ...key("pending"), prefer: "wait=0" });
  expect(joined.status).toBe(202);
  const waiting = ask("keyed", key("pending"));
  await responder.release();
  expect((await waiting).text).toBe("keyed:x");
  expect(await recordsOf("keyed")).toBe(records);
  expect(await reportOf("keyed")).toMatchObject({ probes: 0, underWay: 0 });
});

test("[E42] a service that is full refuses, and another one beside it answers", async () => {
  const responder = answering("narrow");
  answering("wide");
  responder.hold();
  const waiting = statusesOf("narrow", 3);
  await expect.poll(() => responder.received).toBe(3);
  const refused = await ask("narrow");
  expect([refused.status, refused.body["code"], refused.headers.get("retry-after")]).toEqual([
    503,
    "at_capacity",
    "1",
  ]);
  expect(await statusesOf("wide", 10)).toEqual(Array.from({ length: 10 }, () => 200));
  await responder.release();
  expect(await waiting).toEqual([200, 200, 200]);
  expect((await ask("narrow")).status).toBe(200);
  expect(await reportOf("narrow")).toMatchObject({ underWay: 0, refused: { at_capacity: 1 } });
});

test("one client address takes no more than its places, a client that leaves gives its own back, and others have theirs", async () => {
  const responder = answering("fair");
  responder.hold();
  const mine = { "cf-connecting-ip": "192.0.2.1" };
  const first = ask("fair", mine);
  const leaving = resetClient.begin(`${url}/fair`, "x", mine);
  await expect.poll(() => responder.received).toBe(2);
  const refused = await ask("fair", mine);
  expect([refused.status, refused.body["code"], refused.headers.get("retry-after")]).toEqual([
    429,
    "too_many_waiting",
    "1",
  ]);
  const other = ask("fair", { "cf-connecting-ip": "192.0.2.2" });
  await expect.poll(() => responder.received).toBe(3);
  await leaving.kill();
  await expect.poll(async () => (await reportOf("fair")).underWay).toBe(2);
  await responder.release();
  expect([(await first).status, (await other).status]).toEqual([200, 200]);
  expect((await ask("fair", mine)).status).toBe(200);
});

test("while its consumer group is empty nothing is produced for a service; a member is noticed, and so is its leaving", async () => {
  const isRefused = async () => (await ask("grouped")).body["code"] === "no_responder";
  await expect.poll(isRefused, { timeout: 5_000 }).toBe(true);
  const before = await recordsOf("grouped");
  expect(new Set(await statusesOf("grouped", 20))).toEqual(new Set([503]));
  expect(Number((await ask("grouped")).headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await recordsOf("grouped")).toBe(before);

  const responder = createResponder({
    kafka: { bridge: bridgeUrl, username: user, password },
    topic: "grouped",
    replyTopics: ["replies"],
    group: "models",
    onEvent: () => {},
    handler: (request) => ({ body: `grouped:${request.text()}` }),
  });
  const running = responder.run();
  later(() => {
    responder.stop();
    return running;
  });
  await expect.poll(async () => (await ask("grouped")).text, { timeout: 10_000 }).toBe("grouped:x");
  expect((await reportOf("grouped")).responders).toBe("there");
  responder.stop();
  await running;
  await expect.poll(isRefused, { timeout: 10_000 }).toBe(true);
});

test("where there is a fallback it is given while nobody is there to answer", async () => {
  const degraded = async () => (await ask("substituted")).body;
  await expect.poll(degraded, { timeout: 5_000 }).toEqual({ ...neutral, degraded: true });
});
