// The HTTP server of the bridge, whatever it serves: paths, credentials, sizes, an orderly end. What a backend
// must do is in the contract.

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import { Kafka } from "@upstash/kafka";
import { expect, onTestFinished, test, vi } from "vitest";
import { basic, password, raw, testBridge, until, username } from "../support/bridge.ts";

const topics = new Map([["red", 1]]);
const forever = 30_000;
const refusal = (status: number) => ({ result: "Error", error: expect.any(String), status });

test("unknown paths are 404, other methods 405 with Allow", async () => {
  const { url, call } = await testBridge({ topics });
  for (const path of ["/", "/nothing", "/produce/a/b/c", "/hearback", "//topics", "/topics//"]) {
    expect((await call(path)).json).toEqual(refusal(404));
  }
  const answer = await raw(`${url}/topics`, { method: "DELETE" });
  expect(answer.json).toEqual(refusal(405));
  expect(answer.headers.allow).toBe("GET");
});

test.each([
  ["none", ""],
  ["another scheme", "Bearer x"],
  ["a wrong user", basic("other", password)],
  ["a wrong password", basic(username, "other")],
  ["a password that goes on", basic(username, `${password}!`)],
])("credentials: %s is 401", async (_, authorization) => {
  const { url } = await testBridge({ topics });
  const answer = await raw(`${url}/topics`, { headers: { authorization } });
  expect(answer.json).toEqual(refusal(401));
  expect(answer.status).toBe(401);
  expect(answer.headers["www-authenticate"]).toContain("Basic");
});

test("/healthz needs no credentials", async () => {
  const { url } = await testBridge();
  const answer = await raw(`${url}/healthz`, { headers: { authorization: "" } });
  expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
});

test("a body over the limit is 413, announced or not, and the next request is served", async () => {
  const { url, call } = await testBridge({ topics, maxBodyBytes: 1_000 });
  const body = Buffer.alloc(200_000, " ");
  const announced = await raw(`${url}/produce/red`, { method: "POST", body });
  expect(announced.json).toEqual(refusal(413));
  const chunked = await fetch(`${url}/produce/red`, {
    method: "POST",
    headers: { authorization: basic(username, password) },
    body: new Blob([body]).stream(),
    duplex: "half",
  });
  expect(chunked.status).toBe(413);
  expect((await call("/produce/red", { value: "x" })).status).toBe(200);
});

test("a lost log is 500 with an error body and without a stack, and is reported", async () => {
  const reported: unknown[] = [];
  const lost = new Error("broker lost");
  const { log: broken } = await testBridge();
  const failing = { ...broken, topics: () => Promise.reject(lost) };
  const { call } = await testBridge({ log: failing, onError: (cause) => reported.push(cause) });
  const answer = await call("/topics");
  expect(answer.json).toEqual(refusal(500));
  expect(answer.text).not.toContain("broker lost");
  expect(reported).toEqual([lost]);
});

test("the SDK tells a wrong password after its own retries", async () => {
  const { url } = await testBridge({ topics });
  const kafka = new Kafka({ url, username, password: "guess" });
  const setTimer = globalThis.setTimeout;
  // Only the SDK's waits between attempts, the shortest of which is 500 ms, are cut short.
  const spy = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((run: () => void, ms?: number) =>
      setTimer(run, ms !== undefined && ms >= 500 && ms <= 8_000 ? 0 : ms),
    );
  onTestFinished(() => spy.mockRestore());
  const error = await kafka
    .admin()
    .topics()
    .catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    name: "UpstashError",
    status: 401,
    result: "Error",
    error: expect.any(String),
  });
});

test("closing ends long polls with their empty answer", async () => {
  const { log, call, close } = await testBridge({ topics: new Map([["red", 1]]) });
  const polls = [0, 1].map(() => call("/fetch", { topic: "red", partition: 0, offset: 0, timeout: forever }));
  await until(() => log.waiting, 2);
  await close();
  for (const answer of await Promise.all(polls)) expect([answer.status, answer.text]).toEqual([200, "[]"]);
});

test("closing does not wait for a connection that has sent nothing", async () => {
  const { url, close } = await testBridge();
  const silent = connect(Number(new URL(url).port), "127.0.0.1");
  await once(silent, "connect");
  await raw(`${url}/healthz`);
  const closedBy = Date.now() + 4_000;
  await close();
  expect(Date.now()).toBeLessThan(closedBy);
});
