// What the gateway lets through and what it refuses, over HTTP by hand: the paths, bodies, methods and pages of other
// origins that a client library would not send.

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answering, startGuardedLoop, type Seen } from "../support/guarded-loop.ts";
import { rawRequest, type RawAnswer } from "../support/raw-http.ts";
import type { RestartableGateway } from "../support/restartable-gateway.ts";

const cleanups: (() => unknown)[] = [];
let gateway: RestartableGateway;
beforeAll(async () => {
  gateway = await startGuardedLoop((cleanup) => cleanups.push(cleanup));
});
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

const send = (line: string, headers: readonly string[] = [], body: string | Uint8Array = "") =>
  rawRequest(gateway.url, [`${line} HTTP/1.1`, ...headers], body);
const post = (target: string, body: string | Uint8Array = "", headers: readonly string[] = []) =>
  send(`POST ${target}`, [`Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);
const json = (answer: RawAnswer) =>
  JSON.parse(Buffer.from(answer.body, "latin1").toString()) as Record<string, unknown>;
const seenBy = (answer: RawAnswer) => json(answer) as unknown as Seen;
const bodyOf = (seen: Seen) => Buffer.from(seen.body, "base64").toString();

function problemOf(answer: RawAnswer): Record<string, unknown> {
  const problem = json(answer);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(problem).toMatchObject({
    status: answer.status,
    correlationId: answer.headers.get("x-correlation-id"),
  });
  // Nothing that only operators should know.
  expect(answer.body).not.toMatch(/guarded\.|\.[jt]s\b|\n\s+at |secret/);
  return problem;
}

describe("the path of a request", () => {
  test.each([
    ["/things/a", "a", "/things/a"],
    ["/things/a/", "a", "/things/a"],
    ["/things/a?x=%zz&y=/", "a", "/things/a"],
    ["/x/../things/a", "a", "/things/a"],
    ["/x/%2e%2e/things/a", "a", "/things/a"],
    ["/%74hings/a", "a", "/%74hings/a"],
    ["/things/a%2Fb", "a/b", "/things/a%2Fb"],
    ["/things/..%2F..%2Fx", "../../x", "/things/..%2F..%2Fx"],
    ["/things/%25zz", "%zz", "/things/%25zz"],
    ["/things/%2525", "%25", "/things/%2525"],
    ["/things/a;b=c", "a;b=c", "/things/a;b=c"],
    ["/things/%0d%0aX-Principal:%20me", "\r\nX-Principal: me", "/things/%0d%0aX-Principal:%20me"],
    ["/things/caf%C3%A9", "caf\u00e9", "/things/caf%C3%A9"],
    ["/things/cafe%CC%81", "cafe\u0301", "/things/cafe%CC%81"],
  ])("%s has the parameter %j, decoded once, and reaches the service as %s", async (target, key, path) => {
    const answer = await send(`GET ${target}`);
    expect(answer.status).toBe(200);
    expect(seenBy(answer)).toMatchObject({ key, path });
  });

  test.each([
    ["/things/%zz", "the path is not percent-encoded UTF-8"],
    ["/things/%", "the path is not percent-encoded UTF-8"],
    ["/things/%ED%A0%80", "the path is not percent-encoded UTF-8"],
    ["/things/a%00b", "the path has a NUL in it"],
  ])("%s is a 400: %s", async (target, detail) => {
    expect(problemOf(await send(`GET ${target}`))).toMatchObject({ code: "bad_request", detail });
  });

  test.each([
    "/things/a//",
    "//things/a",
    "/things//a",
    "/things/",
    "/things/a%2F/b",
    "/THINGS/a",
    "/things/a\\b",
  ])("%s is another one, and a 404", async (target) => {
    expect(problemOf(await send(`GET ${target}`))).toMatchObject({ code: "not_found" });
  });

  test.each(["/_hearback/ledger", "/_hearback/ledger/", "/%5fhearback/ledger", "/x/../_hearback/ledger"])(
    "%s is for operators, however it is written",
    async (target) => {
      expect(problemOf(await send(`GET ${target}`))).toMatchObject({ code: "operator_token_required" });
    },
  );

  test("a trailing slash changes neither the methods of a path nor the exchange of a key", async () => {
    for (const target of ["/things/a", "/things/a/"]) {
      const refused = await post(target);
      expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT, OPTIONS"]);
      const asked = await send(`OPTIONS ${target}`);
      expect([asked.status, asked.headers.get("allow")]).toEqual([204, "GET, HEAD, PUT, OPTIONS"]);
    }
    const key = ['Idempotency-Key: "0123456789abcdef"'];
    const first = await post("/echo", "once", key);
    const second = await post("/echo/", "once", key);
    expect([second.status, second.headers.get("x-correlation-id")]).toEqual([
      200,
      first.headers.get("x-correlation-id"),
    ]);
  });
});

describe("the body of a request", () => {
  test.each([
    [
      "in chunks, without a length",
      ["Transfer-Encoding: chunked"],
      "5\r\nhello\r\n3\r\n wo\r\n0\r\n\r\n",
      "hello wo",
    ],
    [
      "in chunks, with a length that is a lie",
      ["Content-Length: 900", "Transfer-Encoding: chunked"],
      "2\r\nhi\r\n0\r\n\r\n",
      "hi",
    ],
    ["of no length", [], "", ""],
    ["of length 0", ["Content-Length: 0"], "", ""],
    ["longer than its length", ["Content-Length: 3"], "hello", "hel"],
  ])("%s arrives as what it is", async (_, headers, body, expected) => {
    const answer = await send("POST /echo", headers, body);
    expect([answer.status, bodyOf(seenBy(answer))]).toEqual([200, expected]);
  });

  test("in chunks is counted, and too large is a 413", async () => {
    const chunk = `1000\r\n${"x".repeat(4_096)}\r\n`;
    const answer = await send("POST /echo", ["Transfer-Encoding: chunked"], `${chunk.repeat(3)}0\r\n\r\n`);
    expect(problemOf(answer)).toMatchObject({ code: "payload_too_large", detail: "at most 10000 bytes" });
  });

  test("that does not come within the service's timeout is a 408", async () => {
    const answer = await send("POST /slow", ["Content-Length: 30"], "some of it");
    expect(problemOf(answer)).toMatchObject({ status: 408, code: "body_timeout", detail: "at most 600 ms" });
  });

  test("travels with a GET, too", async () => {
    const answer = await send("GET /things/a", ["Content-Length: 5"], "hello");
    expect([answer.status, bodyOf(seenBy(answer))]).toEqual([200, "hello"]);
  });

  test("that is compressed reaches the service as it is, and says so", async () => {
    const zipped = gzipSync("x".repeat(5_000));
    const seen = seenBy(await post("/echo", zipped, ["Content-Encoding: gzip"]));
    expect([seen.contentEncoding, seen.body]).toEqual(["gzip", zipped.toString("base64")]);
  });
});

test("a reply that is compressed reaches the client as it is, also when it was stored, and a page of another origin", async () => {
  const zipped = gzipSync("hello");
  const reply = { base64: zipped.toString("base64"), contentType: "text/plain", contentEncoding: "gzip" };
  const accept = "Accept-Encoding: gzip";
  const expectZipped = (answer: RawAnswer) =>
    expect([
      answer.status,
      answer.headers.get("content-encoding"),
      Buffer.from(answer.body, "latin1").toString("hex"),
    ]).toEqual([200, "gzip", zipped.toString("hex")]);
  expectZipped(await post(`/echo${answering(reply)}`, "", [accept]));
  expectZipped(await post(`/checked${answering(reply)}`, "", [accept, "Origin: https://other.example"]));
  const accepted = await post(`/echo${answering(reply)}`, "", ["Prefer: respond-async"]);
  expect(accepted.status).toBe(202);
  const stored = () => send(`GET ${accepted.headers.get("location")}`, [accept, "Prefer: wait=5"]);
  expectZipped(await stored());
  // Once more, now certainly from storage.
  expectZipped(await stored());
});

test.each(["TRACE", "PROPFIND", "QUERY", "PATCH"])("%s is a 405 that says what there is", async (method) => {
  const answer = await send(`${method} /things/a`);
  expect(problemOf(answer)).toMatchObject({ code: "method_not_allowed" });
  expect(answer.headers.get("allow")).toBe("GET, HEAD, PUT, OPTIONS");
});

describe("a request against the schemas of its service", () => {
  const order = (body: string | Uint8Array, target = "/orders/west", headers: readonly string[] = []) =>
    post(target, body, headers);

  test("that follows them reaches the service in the client's own bytes", async () => {
    const body = '{ "items": [ {"qty":1.0, "sku":"t", "more":"kept"} ] }';
    const answer = await order(body, "/orders/west?tag=a&tag=b");
    expect([answer.status, bodyOf(seenBy(answer))]).toEqual([200, body]);
  });

  test("that breaks them is told everything at once, with places as JSON pointers", async () => {
    const answer = await order('{"items":[{"sku":"t","qty":1},{"sku":7,"qty":0}]}', "/orders/ab?tag=one");
    expect(answer.status).toBe(422);
    expect(problemOf(answer)).toMatchObject({
      code: "request_invalid",
      problems: [
        { in: "path", path: "/region", message: "must be known" },
        { in: "query", path: "/tag", message: "must be repeated" },
        { in: "body", path: "/items/1/sku", message: expect.stringContaining("Expected string") },
        { in: "body", path: "/items/1/qty", message: "must be at least 1" },
      ],
    });
  });

  test.each([
    ["{", "the request body is not JSON"],
    ["", "the request body is not JSON"],
    [Buffer.from([0x22, 0xff, 0x22]), "the request body is not UTF-8"],
    ["[".repeat(5_000), "the request body is nested deeper than 200 levels"],
  ])("whose body is %j is a 400", async (body, detail) => {
    expect(problemOf(await order(body))).toMatchObject({ status: 400, code: "body_unreadable", detail });
  });

  test("whose body is compressed is a 415, which says what would be taken", async () => {
    const answer = await order(gzipSync('{"items":[]}'), "/orders/west", ["Content-Encoding: gzip"]);
    expect(problemOf(answer)).toMatchObject({ status: 415, code: "unsupported_encoding" });
    expect(answer.headers.get("accept-encoding")).toBe("identity");
  });

  test("a schema that throws is a 500 without a word of why", async () => {
    expect(problemOf(await post("/broken"))).toMatchObject({ status: 500, code: "internal" });
  });
});

describe("a reply against the schema of its service", () => {
  const checked = (reply: Parameters<typeof answering>[0], headers: readonly string[] = []) =>
    post(`/checked${answering(reply)}`, "", headers);

  test.each([
    ["valid", { json: { price: 3 } }, 200],
    ["no JSON", { body: "three", contentType: "text/plain" }, 200],
    ["empty", { status: 204 }, 204],
    ["an error", { status: 404, json: { price: "?" } }, 404],
    ["an error with a code", { status: 409, error: "sold_out" }, 409],
  ])("that is %s is handed over", async (_, reply, status) => {
    expect((await checked(reply)).status).toBe(status);
  });

  test.each([
    ["breaks it", { json: { price: "3" } }],
    ["breaks it under another JSON type", { body: "{}", contentType: "application/vnd.price+json; v=1" }],
    ["is no JSON but says so", { body: "{", contentType: "application/json" }],
    ["cannot be looked into", { body: "zip", contentType: "application/json", contentEncoding: "gzip" }],
  ])("that %s is a 502, and its client is not told how", async (_, reply) => {
    const problem = problemOf(await checked(reply));
    expect(problem).toMatchObject({ status: 502, code: "reply_invalid" });
    expect(Object.keys(problem).toSorted()).toEqual(["code", "correlationId", "status", "title", "type"]);
  });

  test("is looked at whenever somebody is answered: by its key again, and by its ID", async () => {
    const key = ['Idempotency-Key: "fedcba9876543210"', "Prefer: respond-async"];
    const reply = { json: { price: "3" } };
    const accepted = await checked(reply, key);
    expect(accepted.status).toBe(202);
    const found = await send(`GET ${accepted.headers.get("location")}`, ["Prefer: wait=5"]);
    expect(problemOf(found)).toMatchObject({ code: "reply_invalid" });
    expect(problemOf(await checked(reply, key))).toMatchObject({ code: "reply_invalid" });
  });

  test("operators are told, in one line for all of a minute", async () => {
    await checked({ json: { price: "3" } });
    const lines = gateway.lines.filter((line) => line.includes("service checked"));
    // One of the service's route, one of /requests.
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/is not valid: 1 problem\(s\), first at "\/price": the price is a number/);
  });
});

test("as many requests as the limit pass, the next is a 429 until the period is over; others count apart", async () => {
  const ask = (target = "/limited") => post(target, "", ["Origin: https://any.example"]);
  const period = () => Math.floor(Date.now() / 10_000);
  let began: number;
  let answers: RawAnswer[];
  do {
    // The local runtime counts by the wall clock: a period must not end between the requests.
    began = period();
    answers = [await ask(), await ask(), await ask(), await ask()];
  } while (period() !== began);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const policies = answers.map(({ headers }) => headers.get("ratelimit-policy"));
  expect(new Set(policies)).toEqual(new Set(['"limited";q=3;w=10']));
  const [passed, , , refused] = answers as [RawAnswer, RawAnswer, RawAnswer, RawAnswer];
  expect(passed.headers.has("ratelimit")).toBe(false);
  expect(problemOf(refused)).toMatchObject({ status: 429, code: "rate_limited" });
  expect([refused.headers.get("retry-after"), refused.headers.get("ratelimit")]).toEqual([
    "10",
    '"limited";r=0;t=10',
  ]);
  expect(refused.headers.get("access-control-allow-origin")).toBe("*");
  expect((await post("/also-limited", "{}")).status).toBe(200);
  // The address is the platform's to say; where it says another one, another caller is counted.
  expect((await post("/limited", "", ["CF-Connecting-IP: 203.0.113.7"])).status).toBe(200);
  await expect.poll(async () => (await ask()).status, { timeout: 15_000, interval: 100 }).toBe(200);
  expect(period()).toBeGreaterThan(began);
});

describe("a page of another origin", () => {
  const preflight = (target: string, origin: string, method: string) =>
    send(`OPTIONS ${target}`, [`Origin: ${origin}`, `Access-Control-Request-Method: ${method}`]);
  const allowed = ({ headers }: RawAnswer) => headers.get("access-control-allow-origin");

  test("may ask first, and is told what the service of that method allows", async () => {
    const put = await preflight("/things/a", "https://app.example", "PUT");
    expect([put.status, allowed(put), put.headers.get("access-control-allow-methods")]).toEqual([
      204,
      "https://app.example",
      "PUT",
    ]);
    expect(put.headers.get("access-control-allow-credentials")).toBe("true");
    expect(put.headers.get("access-control-max-age")).toBe("60");
    expect(put.headers.get("vary")).toContain("Origin");
    const may = put.headers.get("access-control-allow-headers")?.split(",");
    expect(may).toEqual(
      expect.arrayContaining(["Content-Type", "Prefer", "X-API-Key", "x-tenant", "x-locale"]),
    );
    const get = await preflight("/things/a/", "https://any.example", "GET");
    expect([allowed(get), get.headers.get("access-control-allow-methods")]).toEqual(["*", "GET,HEAD"]);
    expect(get.headers.has("access-control-allow-credentials")).toBe(false);
  });

  test.each([
    ["of an origin that is not listed", "/things/a", "https://app.example.evil", "PUT"],
    ["at a service without pages of others", "/echo", "https://app.example", "POST"],
    ["with a method that is not there", "/things/a", "https://app.example", "DELETE"],
    ["at an operator's path", "/_hearback/ledger", "https://app.example", "GET"],
    ["at a path that is not there", "/nowhere", "https://app.example", "GET"],
  ])("%s is allowed nothing", async (_, target, origin, method) => {
    expect(allowed(await preflight(target, origin, method))).toBeUndefined();
  });

  test("can read answers and errors, and the headers that say more", async () => {
    const origin = ["Origin: https://app.example"];
    const good = await send("PUT /things/a", [...origin, "X-Tenant: t", "Content-Length: 0"]);
    const bad = await send("PUT /things/a", [...origin, "Content-Length: 0"]);
    const large = await send("PUT /things/a", [...origin, "Content-Length: 9999999"]);
    const many = await send("PUT /things/a", [
      ...origin,
      `X-Much: ${"x".repeat(5_000)}`,
      "Content-Length: 0",
    ]);
    expect([good, bad, large, many].map(({ status }) => status)).toEqual([200, 400, 413, 431]);
    for (const answer of [good, bad, large, many]) {
      expect(allowed(answer)).toBe("https://app.example");
      expect(answer.headers.get("vary")).toContain("Origin");
      expect(answer.headers.get("access-control-expose-headers")).toContain("X-Correlation-ID");
    }
  });

  test("that may call any of the services may ask for what became of a request", async () => {
    const look = (origin: string) => send("GET /requests/nothing", [`Origin: ${origin}`]);
    const [app, other, any] = [
      await look("https://app.example"),
      await look("https://other.example"),
      await look("https://any.example"),
    ];
    expect([app, other, any].map(({ status }) => status)).toEqual([404, 404, 404]);
    expect([app, other, any].map(allowed)).toEqual(["https://app.example", "https://other.example", "*"]);
    expect(app.headers.get("access-control-allow-credentials")).toBe("true");
    expect(other.headers.has("access-control-allow-credentials")).toBe(false);
    expect((await preflight("/requests/x", "https://other.example", "DELETE")).status).toBe(204);
  });
});

test.each([
  ["path and query", `GET /things/${"a".repeat(1_993)}`, [], 414, "uri_too_long"],
  [
    "headers, by number",
    "GET /things/a",
    Array.from({ length: 41 }, (_, at) => `X-${at}: 1`),
    431,
    "headers_too_large",
  ],
  ["headers, by bytes", "GET /things/a", [`X-Much: ${"x".repeat(4_000)}`], 431, "headers_too_large"],
])("%s over the limit are refused on every path", async (_, line, headers, status, code) => {
  expect(problemOf(await send(line, headers))).toMatchObject({ status, code });
  expect(problemOf(await send(line.replace("/things/", "/nowhere/"), headers))).toMatchObject({
    status,
    code,
  });
});

test("every answer tells browsers to make nothing of it but data", async () => {
  const html = await post(`/echo${answering({ body: "<script>", contentType: "text/html" })}`);
  const answers = [html, await send("GET /nowhere"), await send("GET /healthz"), await post("/broken")];
  for (const { headers } of answers) {
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    // That is for https.
    expect(headers.has("strict-transport-security")).toBe(false);
  }
  const open = await send("GET /things/a");
  expect(open.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
});

test("after all that the services answer, and nothing went wrong but the schema that throws", async () => {
  expect((await send("GET /things/last")).status).toBe(200);
  const wrong = gateway.lines.filter((line) => !line.includes("service checked"));
  expect(wrong.filter((line) => !line.includes("the secret of the schema"))).toEqual([]);
});
