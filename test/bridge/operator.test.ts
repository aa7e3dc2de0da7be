// What an operator sees: probes and figures, and who may read them.

import { expect, test } from "vitest";
import { createCredentials, createMetrics, hashPassword, parseCredentials } from "../../bridge/index.ts";
import { basic, password, raw, testBridge, until, username } from "../support/bridge.ts";

const topics = new Map([["red", 1]]);

async function textOf(url: string, authorization = basic(username, password)): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
}

/** The value of the one line that begins so. */
function valueOf(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

test("/readyz is 200 without credentials, and 503 with the reason while the log is in trouble", async () => {
  const { log } = await testBridge();
  let trouble: string | undefined = "no broker answers";
  const { url } = await testBridge({ log: { ...log, trouble: () => trouble } });
  const anonymous = { headers: { authorization: "" } };
  const lost = await raw(`${url}/readyz`, anonymous);
  expect([lost.status, lost.json]).toEqual([503, { status: "not ready", reason: trouble }]);
  expect((await raw(`${url}/healthz`, anonymous)).status).toBe(200);
  trouble = undefined;
  const ready = await raw(`${url}/readyz`, anonymous);
  expect([ready.status, ready.json]).toEqual([200, { status: "ready" }]);
});

test("/metrics counts answers, records, bytes and refusals by form, and failed credentials", async () => {
  const { url, call } = await testBridge({ topics });
  await call("/produce/red", [{ value: "abc" }, { value: "de", key: "k" }]);
  await call("/produce/red", { value: 1 });
  await call("/hearback/produce/red", [{ value: "!" }, { value: "YQ==" }]);
  await call("/hearback/produce/red", { value: "YQ==", partition: 9 });
  await call("/fetch", { topic: "red", partition: 0, offset: 0 });
  await call("/nothing");
  await raw(`${url}/topics`, { headers: { authorization: "" } });
  await raw(`${url}/topics`, { headers: { authorization: basic(username, "x") } });
  const text = await textOf(url);
  const expected = {
    'requests_total{route="produce",status="200"}': 3,
    'requests_total{route="produce",status="400"}': 1,
    'requests_total{route="fetch",status="200"}': 1,
    'requests_total{route="none",status="404"}': 1,
    'requests_total{route="none",status="401"}': 2,
    'produced_records_total{form="plain"}': 2,
    'produced_bytes_total{form="plain"}': 6,
    'produced_records_total{form="hearback"}': 1,
    'refused_records_total{form="plain",why="invalid"}': 1,
    'refused_records_total{form="hearback",why="invalid"}': 2,
    'fetched_records_total{form="plain"}': 3,
    'fetched_bytes_total{form="plain"}': 7,
    'credential_failures_total{why="missing"}': 1,
    'credential_failures_total{why="wrong"}': 1,
    'request_duration_seconds_count{route="produce"}': 4,
    'poll_duration_seconds_count{route="fetch"}': 1,
  };
  const seen = Object.keys(expected).map((name) => [name, valueOf(text, `hearback_bridge_${name}`)]);
  expect(Object.fromEntries(seen)).toEqual(expected);
  expect(text).not.toContain('"red"');
});

test("long polls have a histogram of their own and a gauge while they wait", async () => {
  const { url, call, log } = await testBridge({ topics });
  const polled = call("/fetch", { topic: "red", partition: 0, offset: 0, timeout: 30_000 });
  await until(() => log.waiting, 1);
  const during = await textOf(url);
  expect(valueOf(during, "hearback_bridge_waiting_polls")).toBe(1);
  expect(valueOf(during, "hearback_bridge_connections")).toBeGreaterThanOrEqual(2);
  await call("/produce/red", { value: "x" });
  await polled;
  const after = await textOf(url);
  expect(valueOf(after, "hearback_bridge_waiting_polls")).toBe(0);
  expect(after).not.toContain('hearback_bridge_request_duration_seconds_count{route="fetch"}');
});

test("/metrics is for unlimited callers and the bearer of its token, who can do nothing else", async () => {
  const hash = await hashPassword("x", { N: 1024, r: 1, p: 1 });
  const credentials = createCredentials({
    stored: parseCredentials(
      JSON.stringify([
        { user: "full", password: hash },
        { user: "few", password: hash, topics: ["red"] },
        { user: "reader", password: hash, access: "consume" },
      ]),
    ),
  });
  const { url } = await testBridge({ credentials, metricsToken: "t0ken" });
  const status = async (authorization: string, path = "/metrics") =>
    (await fetch(url + path, { headers: { authorization } })).status;
  expect(await status(basic("full", "x"))).toBe(200);
  expect(await status(basic("few", "x"))).toBe(403);
  expect(await status(basic("reader", "x"))).toBe(403);
  expect(await status("")).toBe(401);
  expect(await status("Bearer t0ken")).toBe(200);
  expect(await status("Bearer t0ke")).toBe(401);
  expect(await status("Bearer t0ken", "/topics")).toBe(401);
  const { url: without } = await testBridge();
  expect((await fetch(`${without}/metrics`, { headers: { authorization: "Bearer undefined" } })).status).toBe(
    401,
  );
});

test("a backend's gauge is read when somebody looks", async () => {
  const metrics = createMetrics();
  let lag = 3;
  metrics.gauge("hearback_bridge_kafka_lag", "Lag.", () => lag);
  const { url } = await testBridge({ metrics });
  expect(valueOf(await textOf(url), "hearback_bridge_kafka_lag")).toBe(3);
  lag = 4;
  expect(valueOf(await textOf(url), "hearback_bridge_kafka_lag")).toBe(4);
});

test("every answer is told once to whoever wants an access log, without its query", async () => {
  const told: unknown[] = [];
  const { call } = await testBridge({ topics, onAnswer: (answered) => told.push(answered) });
  await call("/topics?user=u&pass=p");
  expect(told).toEqual([
    { method: "GET", path: "/topics", status: 200, user: username, durationMs: expect.any(Number) },
  ]);
});
