import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { basic, password, raw, testBridge, username } from "./support.ts";

const topics = new Map([["red", 1]]);
const metadata = { topic: "red", partition: 0, offset: 0, timestamp: expect.any(Number) };
const refusal = (status: number) => ({ result: "Error", error: expect.any(String), status });

test("every route that takes POST takes GET with the same body, under any content type", async () => {
  const { url } = await testBridge({ topics });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  for (const [offset, method] of ["POST", "GET"].entries()) {
    const send = (path: string, body: unknown) => raw(url + path, { method, body, headers });
    expect((await send("/produce/red", { value: "x" })).json).toEqual([{ ...metadata, offset }]);
    expect((await send("/fetch", { topic: "red", partition: 0, offset })).json).toMatchObject([
      { value: "x", offset },
    ]);
    expect((await send("/offsets/latest", { topic: "red", partition: 0 })).json).toEqual([
      { topic: "red", partition: 0, offset: offset + 1 },
    ]);
  }
});

test("/produce takes one message or an array, with the topic in the message or in the path", async () => {
  const { call } = await testBridge({ topics });
  expect((await call("/produce", { topic: "red", value: "a" })).json).toEqual([metadata]);
  expect((await call("/produce", [{ topic: "red", value: "b" }])).json).toEqual([{ ...metadata, offset: 1 }]);
  expect((await call("/produce/red", [{ value: "c" }, { value: "d" }])).json).toEqual([
    { ...metadata, offset: 2 },
    { ...metadata, offset: 3 },
  ]);
  expect((await call("/produce", [])).json).toEqual([]);
});

test("GET /produce/{topic}/{value} appends the decoded value and answers with one object", async () => {
  const { url, call } = await testBridge({ topics });
  const answer = await raw(`${url}/produce/red/a%2Fb%20%C3%BC?key=k%26k`);
  expect(answer.json).toEqual(metadata);
  expect((await call("/fetch", { topic: "red", partition: 0, offset: 0 })).json).toMatchObject([
    { key: "k&k", value: "a/b ü" },
  ]);
  expect((await raw(`${url}/produce/red/%ff`)).json).toEqual(refusal(400));
});

test("a trailing slash changes nothing", async () => {
  const { call } = await testBridge({ topics });
  await call("/produce/red/", { value: "x" });
  expect((await call("/fetch/", { topic: "red", partition: 0, offset: 0 })).json).toMatchObject([
    { value: "x" },
  ]);
  expect((await call("/topics/")).json).toEqual({ red: 1 });
  expect((await call("/hearback/topics/")).json).toEqual({ red: 1 });
});

test.each([
  ["no body", "/produce", ""],
  ["bytes that are no JSON", "/produce", "{"],
  ["a number for a message", "/produce", 1],
  ["a message without topic", "/produce", { value: "x" }],
  ["a value that is no string", "/produce/red", { value: 1 }],
  ["a null value", "/produce/red", { value: null }],
  ["a header value that is no string", "/produce/red", { value: "x", headers: [{ key: "a", value: 1 }] }],
  ["a partition that is out of range", "/produce/red", { value: "x", partition: 5 }],
  ["a topic name that Kafka forbids", "/produce/a%20b", { value: "x" }],
  ["one bad message among good ones", "/produce/red", [{ value: "x" }, { value: 2 }]],
  ["a fetch without position", "/fetch", {}],
  ["a fetch with a broken offset", "/fetch", { topic: "red", partition: 0, offset: "0" }],
  ["an offset query that is no time", "/offsets/soon", { topic: "red", partition: 0 }],
])("%s is 400 and appends nothing", async (_, path, body) => {
  const { call } = await testBridge({ topics });
  const answer = await call(path, body);
  expect(answer.json).toEqual(refusal(400));
  expect(answer.status).toBe(400);
  expect((await call("/offsets/latest", { topic: "red", partition: 0 })).json).toMatchObject([{ offset: 0 }]);
});

test("unknown paths, topics and partitions are 404, other methods 405 with Allow", async () => {
  const { url, call } = await testBridge({ topics });
  for (const path of ["/", "/nothing", "/produce/a/b/c", "/hearback", "//topics", "/topics//"]) {
    expect((await call(path)).json).toEqual(refusal(404));
  }
  expect((await call("/fetch", { topic: "blue", partition: 0, offset: 0 })).status).toBe(404);
  expect((await call("/offsets/latest", { topic: "red", partition: 1 })).status).toBe(404);
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

test("a plain record over 1 MiB is 413 and nothing of its batch is appended", async () => {
  const { call } = await testBridge({ topics });
  const answer = await call("/produce/red", [{ value: "x" }, { value: "x".repeat(1_048_577) }]);
  expect(answer.json).toEqual(refusal(413));
  expect((await call("/offsets/latest", { topic: "red", partition: 0 })).json).toMatchObject([{ offset: 0 }]);
  expect((await call("/produce/red", { value: "x".repeat(1_048_576) })).status).toBe(200);
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
