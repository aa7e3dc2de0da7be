// The gateway in the Workers runtime, over HTTP on one side and a real bridge on the other; the test itself
// plays the service.

import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import {
  correlationIdForm,
  encodeText,
  partitionForKey,
  readHeader,
  type WireProduceAnswer,
} from "../../protocol/index.ts";
import { ask, expectVerdicts, post, produce, replyTo, requestWith } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

let nonce = 0;
const mark = () => `mark-${++nonce}-${crypto.randomUUID()}`;

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = await response.json<Record<string, unknown>>();
  expect(problem).toMatchObject({
    status: response.status,
    correlationId: response.headers.get("x-correlation-id"),
  });
  return problem;
}

test("[A1, A7] a POST waits for its reply and answers with the reply's status, content type and bytes", async () => {
  const me = mark();
  const asked = post("/echo", me);
  await replyTo(await requestWith("echo.requests", me), {
    status: 201,
    contentType: "text/plain",
    text: `to ${me}`,
  });
  const response = await asked;
  expect(response.status).toBe(201);
  expect(response.headers.get("content-type")).toBe("text/plain");
  expect(await response.text()).toBe(`to ${me}`);
  expect(correlationIdForm(response.headers.get("x-correlation-id") ?? "")?.form).toBe("hex");
});

test("[A4] the request record has the posted bytes as value and everything else in headers", async () => {
  const me = mark();
  const asked = post(`/echo?user=7`, me, {
    "content-type": "application/x-thing",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-correlation-id": "client-1",
    "x-principal": "admin",
    "x-reply-topic": "elsewhere",
  });
  const record = await requestWith("echo.requests", me);
  await replyTo(record);
  const response = await asked;
  const header = (name: string) => readHeader(record.headers, name);
  const id = response.headers.get("x-correlation-id") ?? "";
  expect(new TextDecoder().decode(record.value ?? undefined)).toBe(me);
  expect(new TextDecoder().decode(record.key ?? undefined)).toBe(id);
  expect(header("X-Correlation-ID")).toBe(id);
  expect(header("X-Reply-Topic")).toBe("replies");
  expect(header("X-Reply-Partition")).toBe(String(partitionForKey(encodeText(id), 3)));
  expect(Number(header("X-Deadline"))).toBe(Number(header("X-Creation-Timestamp")) + 2_000);
  expect(header("X-Http-Query")).toBe("?user=7");
  expect(header("Content-Type")).toBe("application/x-thing");
  expect(header("traceparent")).toContain("4bf92f3577b34da6a3ce929d0e0e4736");
  // A client cannot write our headers: these two are not even forwarded.
  expect(header("X-Principal")).toBeUndefined();
  expect(record.headers.filter(({ key }) => key.toLowerCase() === "x-reply-topic")).toHaveLength(1);
  // Its own correlation ID is no key, but it travels and comes back.
  expect(header("X-Client-Correlation-ID")).toBe("client-1");
  expect(response.headers.get("x-client-correlation-id")).toBe("client-1");
});

test("a GET is asked like any other; its path gives the record key, its listed headers travel", async () => {
  const me = mark();
  const asked = ask(`/basket/${me}`, { headers: { "accept-language": "de", "x-secret": "no" } });
  const record = await requestWith("basket.requests", me);
  expect(new TextDecoder().decode(record.key ?? undefined)).toBe(me);
  expect(readHeader(record.headers, "accept-language")).toBe("de");
  expect(readHeader(record.headers, "x-secret")).toBeUndefined();
  await replyTo(record, { text: "apples" });
  expect(await (await asked).text()).toBe("apples");
});

test("HEAD is GET without the body", async () => {
  const me = mark();
  const asked = ask(`/basket/${me}`, { method: "HEAD" });
  const record = await requestWith("basket.requests", me);
  expect(readHeader(record.headers, "X-Http-Method")).toBe("GET");
  await replyTo(record, { text: "apples", contentType: "text/plain" });
  const response = await asked;
  expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
    200,
    "text/plain",
    "",
  ]);
});

test("OPTIONS tells the methods of a path, and 404 where there is none", async () => {
  const response = await ask("/basket/1", { method: "OPTIONS" });
  expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
  expect((await ask("/nowhere", { method: "OPTIONS" })).status).toBe(404);
});

test("[B1] a path without a service is 404, another method is 405 with Allow, and nothing is produced", async () => {
  expect(await problemOf(await ask("/nowhere"))).toMatchObject({ status: 404, code: "not_found" });
  const response = await ask("/echo", { method: "PUT", body: "x" });
  expect(await problemOf(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
  expect(response.headers.get("allow")).toBe("POST, OPTIONS");
  expect((await ask("/healthz", { method: "POST" })).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
});

test("a body over the limit is 413, and the rest of it is not read", async () => {
  expect(await problemOf(await post("/echo", "x".repeat(1_001)))).toMatchObject({
    code: "payload_too_large",
  });
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(400));
    },
  });
  expect((await post("/echo", endless)).status).toBe(413);
  expect(pulled).toBeLessThan(10);
});

test("a body of exactly the limit, and an empty one, are served", async () => {
  const me = mark();
  const full = post("/echo", me.padEnd(1_000, "x"));
  await replyTo(await requestWith("echo.requests", me));
  expect((await full).status).toBe(200);
});

test("a record key that the request does not have is a 400 that says what is missing", async () => {
  const response = await post("/orders", '{"customer":{}}');
  expect(await problemOf(response)).toMatchObject({
    code: "bad_request",
    detail: "missing: a string or number at /customer/id of the JSON body",
  });
});

test("a client correlation ID that is too long is a 400", async () => {
  expect((await post("/echo", "x", { "x-correlation-id": "c".repeat(257) })).status).toBe(400);
});

test("[A12] without a reply the answer is a 504 at the deadline, with the correlation ID", async () => {
  const startedAt = Date.now();
  const response = await post("/quick", mark());
  const waitedMs = Date.now() - startedAt;
  expect(await problemOf(response)).toMatchObject({ status: 504, code: "deadline_exceeded" });
  expect(waitedMs).toBeGreaterThanOrEqual(300);
  expect(waitedMs).toBeLessThan(550);
});

test("[D4] an error reply is a problem with the service's own code, and its text as detail", async () => {
  const me = mark();
  const asked = post("/echo", me);
  await replyTo(await requestWith("echo.requests", me), { status: 409, error: "no_stock", text: "Sold out" });
  expect(await problemOf(await asked)).toMatchObject({ status: 409, code: "no_stock", detail: "Sold out" });
});

test("an error reply with a content type of its own passes as it is", async () => {
  const me = mark();
  const asked = post("/echo", me);
  await replyTo(await requestWith("echo.requests", me), {
    status: 422,
    error: "invalid",
    contentType: "application/json",
    text: "{}",
  });
  const response = await asked;
  expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
    422,
    "application/json",
    "{}",
  ]);
});

test("a reply with status 204 has no body, even if the record has one", async () => {
  const me = mark();
  const asked = post("/echo", me);
  await replyTo(await requestWith("echo.requests", me), { status: 204, text: "ignored" });
  const response = await asked;
  expect([response.status, await response.text()]).toEqual([204, ""]);
});

test("a reply that cannot be read is a 502 at once and counts as malformed", async () => {
  const me = mark();
  await expectVerdicts(
    async () => {
      const asked = post("/echo", me);
      const request = await requestWith("echo.requests", me);
      const id = readHeader(request.headers, "X-Correlation-ID") ?? "";
      await produce({
        topic: "replies",
        partition: 0,
        key: encodeText(id),
        value: encodeText("x"),
        headers: [
          { key: "X-Correlation-ID", value: encodeText(id) },
          { key: "X-Reply-Status", value: encodeText("fine") },
        ],
      });
      expect(await problemOf(await asked)).toMatchObject({ status: 502, code: "reply_unreadable" });
    },
    { malformed: 1 },
  );
});

test("a service that insists on UUIDs gets signed ones, and its replies find their waiter", async () => {
  const me = mark();
  const asked = post("/uuid", me);
  const request = await requestWith("uuid.requests", me);
  const id = readHeader(request.headers, "X-Correlation-ID") ?? "";
  expect(correlationIdForm(id)?.form).toBe("uuid");
  await replyTo(request, { text: "by uuid" });
  const response = await asked;
  expect([await response.text(), response.headers.get("x-correlation-id")]).toEqual(["by uuid", id]);
});

test("a client that leaves ends its wait, and the reply that comes after is late", async () => {
  const me = mark();
  const leaving = new AbortController();
  const asked = ask("/echo", { method: "POST", body: me, signal: leaving.signal }).catch(() => "aborted");
  const request = await requestWith("echo.requests", me);
  const id = readHeader(request.headers, "X-Correlation-ID") ?? "";
  leaving.abort();
  await asked;
  const waiter = env.WAITER.get(env.WAITER.idFromString(id));
  await expect.poll(() => waiter.peek()).toBe("ended");
  await expectVerdicts(() => replyTo(request), { late: 1 });
});

function refuseProduces(refusal: WireProduceAnswer): void {
  const fetched = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) =>
    String(input instanceof Request ? input.url : input).endsWith("/hearback/produce")
      ? Promise.resolve(Response.json([refusal]))
      : fetched(input, init),
  );
}

test("a record that its topic finds too large is a 413, as one that the gateway does", async () => {
  refuseProduces({ refused: "max.message.bytes", why: "too-large", retryAfter: 60 });
  const response = await post("/echo", mark());
  expect(await problemOf(response)).toMatchObject({ status: 413, code: "payload_too_large" });
  expect(response.headers.get("retry-after")).toBeNull();
});

test("a refused produce is a 503 with Retry-After at once, and nobody waits any more", async () => {
  refuseProduces({ refused: "no broker is reachable", why: "unavailable", retryAfter: 7 });
  const response = await post("/echo", mark());
  const problem = await problemOf(response);
  expect(problem).toMatchObject({ status: 503, code: "produce_refused" });
  expect(JSON.stringify(problem)).not.toContain("broker");
  expect(response.headers.get("retry-after")).toBe("7");
  const waiter = env.WAITER.get(env.WAITER.idFromString(String(problem["correlationId"])));
  await expect.poll(() => waiter.peek()).toBe("ended");
});

test("a produce without an answer is unknown: the wait goes on, and the reply is delivered", async () => {
  const fetched = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const answered = fetched(input, init);
    if (!String(input instanceof Request ? input.url : input).endsWith("/hearback/produce")) return answered;
    await answered;
    // Written, but the answer is lost on the way.
    return new Promise(() => {});
  });
  const me = mark();
  const asked = post("/echo", me);
  const request = await requestWith("echo.requests", me);
  vi.restoreAllMocks();
  await scheduler.wait(300);
  await replyTo(request, { text: "still here" });
  expect(await (await asked).text()).toBe("still here");
});

test("a refusal after an answer that was cut off is none: the record may be written, and its reply is delivered", async () => {
  const fetched = globalThis.fetch;
  const refusal = { refused: "no broker is reachable", why: "unavailable", retryAfter: 7 };
  let produces = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    if (!String(input instanceof Request ? input.url : input).endsWith("/hearback/produce")) {
      return fetched(input, init);
    }
    if (produces++ > 0) return Response.json([refusal]);
    await fetched(input, init);
    throw new TypeError("Network connection lost.");
  });
  const me = mark();
  const asked = post("/echo", me);
  const request = await requestWith("echo.requests", me);
  await expect.poll(() => produces).toBeGreaterThan(1);
  vi.restoreAllMocks();
  await replyTo(request, { text: "still here" });
  const response = await asked;
  expect([response.status, await response.text()]).toEqual([200, "still here"]);
});

test("health, readiness and the ledger answer those they are for", async () => {
  expect(await (await ask("/healthz")).json()).toEqual({ status: "ok" });
  const ready = await ask("/readyz");
  expect([ready.status, await ready.json()]).toMatchObject([200, { status: "ready", kafka: "up" }]);
  expect((await ask("/_hearback/ledger")).status).toBe(401);
  expect((await ask("/_hearback/ledger", { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
  const ledger = await ask("/_hearback/ledger", {
    headers: { authorization: `Bearer ${env.HEARBACK_OPERATOR_TOKEN}` },
  });
  expect(await ledger.json()).toMatchObject({
    partitions: expect.arrayContaining([
      expect.objectContaining({ topic: "uuid.replies", services: ["identified"] }),
    ]),
  });
});

test("[C5] without Kafka REST the gateway is not ready, and says which part is missing", async () => {
  vi.spyOn(globalThis, "fetch").mockImplementation(() => new Promise(() => {}));
  const response = await ask("/readyz");
  expect(await problemOf(response)).toMatchObject({ status: 503, code: "not_ready" });
});

test("over https, browsers are told to come by https only", async () => {
  const answers = await Promise.all(["/healthz", "/nowhere"].map((path) => ask(path)));
  const told = answers.map(({ headers }) => headers.get("strict-transport-security"));
  expect(told).toEqual(["max-age=31536000", "max-age=31536000"]);
});

test("every answer carries a correlation ID, and no two are the same", async () => {
  const ids = await Promise.all(
    ["/healthz", "/nowhere", "/readyz"].map(async (path) =>
      (await ask(path)).headers.get("x-correlation-id"),
    ),
  );
  expect(new Set(ids).size).toBe(3);
  expect(ids).not.toContain(null);
});
