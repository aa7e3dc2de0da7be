// The table of hostile requests: what is sent, byte for byte, and the status and problem code that it must get. A row
// is added by adding it here; test/loop/hostile-requests.test.ts sends them all and looks after the gateway.

import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Problem, ProblemCode } from "../../protocol/index.ts";
import { audience, issuer, ownOrigin, secrets, sha256, type Mirrored } from "./hostile-loop.ts";
import type { RawConnection } from "./raw-http.ts";

/** What there is to attack with beside fixed bytes. */
export interface Known {
  /** IDs that this gateway gave out. */
  readonly hexId: string;
  readonly uuidId: string;
  /** Of an exchange of the tenant acme, which is kept. */
  readonly acmeId: string;
}

export type Expected =
  /** The gateway's own refusal; `told` is what the client is told besides. */
  | { readonly status: number; readonly code: ProblemCode; readonly told?: Told }
  /** Refused by the platform's HTTP parser, before any code of ours. */
  | { readonly status: number; readonly code: "platform" }
  /** Served like any other; `shown` is what the service is told of it. */
  | { readonly status: 200; readonly code: "served"; readonly shown?: Shown }
  /** By the gateway, with its correlation ID and without a body. */
  | { readonly status: number; readonly code: "bare" }
  /** The platform ends the connection without a word. */
  | "closed"
  /** Nobody answers before the client is gone. */
  | "silent";

export interface Shown {
  readonly of: (mirrored: Mirrored) => unknown;
  readonly is: unknown;
}

export interface Told {
  readonly of: (problem: Problem) => unknown;
  readonly is: unknown;
}

export type HostileRequest = (
  | { readonly send: string | ((known: Known) => string) }
  /** More than bytes that are sent at once. */
  | { readonly converse: (connection: RawConnection) => Promise<void> }
) & {
  readonly title: string;
  readonly expected: Expected;
  /** Headers of the answer by name in lower case; undefined: it must not be there. */
  readonly answerHeaders?: Readonly<Record<string, string | undefined>>;
  /** What the platform's own log may say of it. */
  readonly platformSays?: RegExp;
};

const served = (of?: Shown["of"], is?: unknown): Expected =>
  of === undefined ? { status: 200, code: "served" } : { status: 200, code: "served", shown: { of, is } };
const platform = (status: number): Expected => ({ status, code: "platform" });
const problem = (status: number, code: ProblemCode): Expected => ({ status, code });
const told = (status: number, code: ProblemCode, of: Told["of"], is: unknown): Expected => ({
  status,
  code,
  told: { of, is },
});

interface Parts {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request that is well-formed but for what the caller puts in. */
export function head(target: string, { method = "POST", headers = [], body = "" }: Parts = {}): string {
  const hasLength = headers.some((line) => /^(content-length|transfer-encoding)/i.test(line));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: gateway.test",
    ...headers,
    ...(hasLength || (body === "" && method !== "POST") ? [] : [`Content-Length: ${body.length}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

const conversation = (
  title: string,
  converse: (connection: RawConnection) => Promise<void>,
  expected: Expected,
): HostileRequest => ({ title, converse, expected });

/** By which acme has an exchange. */
export const acmeIdempotencyKey = "the key of acme's exchange";

/** A lone surrogate as bytes: UTF-8 has no such thing. */
const surrogate = "\xed\xa0\x80";
const header = (name: string) => (mirrored: Mirrored) =>
  mirrored.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
const bodyOf = ({ body }: Mirrored) => Buffer.from(body, "base64").toString("latin1");
const deepJson = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
/** 200 MB of zeros in 200 kB. */
export const zipBomb = gzipSync(Buffer.alloc(200_000_000)).toString("latin1");

const bodies: readonly HostileRequest[] = [
  {
    title: "JSON that ends early, where the record key is in it",
    send: head("/ordered", { body: '{"customer":' }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "JSON nested a hundred thousand deep, where the record key is in it",
    send: head("/ordered", { body: deepJson }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a lone surrogate where the record key should be",
    send: head("/ordered", { body: `{"customer":{"id":"${surrogate}"}}` }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "an escaped lone surrogate as record key",
    send: head("/ordered", { body: '{"customer":{"id":"\\ud800"}}' }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "an object as record key",
    send: head("/ordered", { body: '{"customer":{"id":{"toString":1}}}' }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "NUL as record key",
    send: head("/ordered", { body: '{"customer":{"id":"\\u0000"}}' }),
    expected: served(({ key }) => key, "\0"),
  },
  {
    title: "__proto__ in the body for a pointer to what nobody sent",
    send: head("/ordered", { body: '{"__proto__":{"customer":{"id":"x"}}}' }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "nothing of its own where the pointer is /__proto__/name",
    send: head("/proto", { body: "{}" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a member called __proto__ where the pointer is /__proto__/name",
    send: head("/proto", { body: '{"__proto__":{"name":"own"}}' }),
    expected: served(({ key }) => key, "own"),
  },
  {
    title: "nothing of its own where the pointer is /constructor/name",
    send: head("/constructed", { body: "{}" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "NUL bytes in the body",
    send: head("/echo", { body: "a\0b\0" }),
    expected: served(bodyOf, "a\0b\0"),
  },
  {
    title: "a body that is not UTF-8",
    send: head("/echo", { body: `${surrogate}\xff\xfe` }),
    expected: served(bodyOf, `${surrogate}\xff\xfe`),
  },
  {
    title: "a gzip bomb of 200 MB, which is passed as it is",
    send: head("/echo", { headers: ["Content-Encoding: gzip"], body: zipBomb }),
    expected: served(bodyOf, zipBomb),
  },
  {
    title: "a gzip bomb where the record key is in the body",
    send: head("/ordered", { headers: ["Content-Encoding: gzip"], body: zipBomb }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a body one byte over the limit",
    send: head("/small", { body: "x".repeat(1_001) }),
    expected: problem(413, "payload_too_large"),
  },
  {
    title: "a body over the limit in chunks, without a length",
    send: head("/small", {
      headers: ["Transfer-Encoding: chunked"],
      body: `3e9\r\n${"x".repeat(1_001)}\r\n0\r\n\r\n`,
    }),
    expected: problem(413, "payload_too_large"),
  },
  {
    title: "a body over what any service takes",
    send: head("/echo", { body: "x".repeat(1_100_000) }),
    expected: problem(413, "payload_too_large"),
  },
  {
    title: "a body that fits by itself, but not with its headers",
    send: head("/echo", { headers: [`X-Tenant: ${"t".repeat(60_000)}`], body: "x".repeat(1_000_000) }),
    expected: problem(431, "headers_too_large"),
  },
];

const framing: readonly HostileRequest[] = [
  {
    title: "a negative Content-Length",
    send: head("/echo", { headers: ["Content-Length: -1"] }),
    expected: platform(400),
  },
  {
    title: "a Content-Length beyond 2^64",
    send: head("/echo", { headers: ["Content-Length: 99999999999999999999999"] }),
    expected: platform(400),
  },
  {
    title: "a Content-Length of 2^53 and no body",
    send: head("/echo", { headers: ["Content-Length: 9007199254740992"] }),
    expected: problem(413, "payload_too_large"),
  },
  {
    title: "a Content-Length in hex",
    send: head("/echo", { headers: ["Content-Length: 0x5"], body: "hello" }),
    expected: platform(400),
  },
  {
    title: "two Content-Lengths that differ",
    send: head("/echo", { headers: ["Content-Length: 5", "Content-Length: 6"], body: "hello" }),
    expected: platform(400),
  },
  {
    title: "Content-Length and Transfer-Encoding, of which the second one counts",
    send: head("/echo", {
      headers: ["Content-Length: 4", "Transfer-Encoding: chunked"],
      body: "3\r\nabc\r\n0\r\n\r\n",
    }),
    expected: served(bodyOf, "abc"),
  },
  {
    title: "a Transfer-Encoding that is obfuscated",
    send: head("/echo", { headers: ["Transfer-Encoding: xchunked", "Content-Length: 5"], body: "hello" }),
    expected: platform(400),
  },
  {
    title: "a chunk with a size that is no number",
    send: head("/echo", { headers: ["Transfer-Encoding: chunked"], body: "zz\r\nhello\r\n0\r\n\r\n" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a chunk with a negative size",
    send: head("/echo", { headers: ["Transfer-Encoding: chunked"], body: "-5\r\nhello\r\n0\r\n\r\n" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a chunk with a size beyond 2^64",
    send: head("/echo", {
      headers: ["Transfer-Encoding: chunked"],
      body: "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a body longer than was said: the rest is no part of it",
    send: head("/echo", {
      headers: ["Content-Length: 5"],
      body: "helloGET /look HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    }),
    expected: served(bodyOf, "hello"),
  },
  conversation(
    "a body shorter than was said, and then nothing",
    async (connection) => {
      await connection.write(head("/brief", { headers: ["Content-Length: 100"], body: "hello" }));
    },
    problem(408, "body_timeout"),
  ),
  conversation(
    "a body of one byte at a time, past the deadline",
    async (connection) => {
      await connection.write(head("/brief", { headers: ["Content-Length: 1000"] }));
      while (!connection.ended) {
        await connection.write("x");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    problem(408, "body_timeout"),
  ),
  conversation(
    "a head that is never finished",
    async (connection) => {
      await connection.write("POST /echo HTTP/1.1\r\nHost: gateway.test\r\nX-Slow: ");
      for (let at = 0; at < 10; at++) {
        await connection.write("x");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      connection.reset();
    },
    "silent",
  ),
  conversation(
    "a client that resets in the middle of its body",
    async (connection) => {
      await connection.write(head("/echo", { headers: ["Content-Length: 100"], body: "hello" }));
      connection.reset();
    },
    "silent",
  ),
  conversation(
    "a client that resets while it waits",
    async (connection) => {
      await connection.write(head("/brief", { body: "withheld reset" }));
      connection.reset();
    },
    "silent",
  ),
];

const targets: readonly HostileRequest[] = [
  {
    title: "a URL of 20 kB",
    send: head(`/look?${"q".repeat(20_000)}`, { method: "GET" }),
    expected: problem(414, "uri_too_long"),
  },
  {
    title: "a path of 20 kB",
    send: head(`/${"p".repeat(20_000)}`, { method: "GET" }),
    expected: problem(414, "uri_too_long"),
  },
  {
    title: "a path that climbs out",
    send: head("/../../etc/passwd", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "a path that climbs from a service to the operators",
    send: head("/items/../_hearback/ledger", { method: "GET" }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "a path parameter that climbs out",
    send: head("/items/..", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "a path parameter that climbs out, encoded",
    send: head("/items/%2E%2e", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "a path that climbs from the operators to a service",
    send: head("/_hearback/../look", { method: "GET" }),
    expected: served(header("x-http-path"), ["/look"]),
  },
  {
    title: "a path that climbs in percent-encoding",
    send: head("/items/%2e%2e/_hearback/ledger", { method: "GET" }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "an encoded slash on the way to the operators",
    send: head("/_hearback%2Fledger", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "an encoded letter on the way to the operators",
    send: head("/_hearb%61ck/ledger", { method: "GET" }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "two slashes before the operators",
    send: head("//_hearback/ledger", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "the operators in other letters",
    send: head("/_HEARBACK/ledger", { method: "GET" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "two slashes before a service",
    send: head("//echo", { body: "x" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "a NUL in the path, as a byte",
    send: head("/items/a\0b", { method: "GET" }),
    expected: platform(400),
  },
  {
    title: "a NUL in the path, encoded",
    send: head("/items/a%00b", { method: "GET" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a slash in a path parameter, encoded",
    send: head("/items/a%2Fb", { method: "GET" }),
    expected: served(({ key }) => key, "a/b"),
  },
  {
    title: "a percent sign that encodes nothing",
    send: head("/items/%zz", { method: "GET" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a lone surrogate in the path, as bytes",
    send: head(`/items/${surrogate}`, { method: "GET" }),
    expected: platform(400),
  },
  {
    title: "a lone surrogate in the path, encoded",
    send: head("/items/%ED%A0%80", { method: "GET" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a lone surrogate in the query, as bytes",
    send: head(`/found?__proto__=${surrogate}`, { method: "GET" }),
    expected: platform(400),
  },
  {
    title: "__proto__ as the name of a query parameter",
    send: head("/found?__proto__=own", { method: "GET" }),
    expected: served(({ key }) => key, "own"),
  },
  {
    title: "constructor where the query parameter __proto__ is needed",
    send: head("/found?constructor=1", { method: "GET" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "a target in absolute form, of another host",
    send: head("http://elsewhere.test/echo", { body: "x" }),
    expected: served(),
  },
  {
    title: "a target in absolute form with credentials",
    send: head("http://a:b@elsewhere.test/echo", { body: "x" }),
    expected: served(),
  },
  {
    title: "a target in absolute form that is a file",
    send: head("file:///etc/passwd", { method: "GET" }),
    expected: platform(400),
  },
  {
    title: "a target that is a star",
    send: head("*", { method: "OPTIONS" }),
    expected: problem(404, "not_found"),
  },
  {
    title: "CR and LF in the query, encoded",
    send: head("/look?x=%0d%0aX-Injected:%201", { method: "GET" }),
    expected: served(header("x-http-query"), ["?x=%0d%0aX-Injected:%201"]),
  },
  {
    title: "a space in the target",
    send: head("/look?a b HTTP/1.1", { method: "GET" }),
    expected: platform(400),
  },
];

const methods: readonly HostileRequest[] = [
  {
    title: "a method that nobody knows",
    send: head("/echo", { method: "BREW", headers: ["Content-Length: 0"] }),
    expected: platform(501),
  },
  {
    title: "a method of another case",
    send: head("/echo", { method: "post", headers: ["Content-Length: 0"] }),
    expected: platform(501),
  },
  { title: "TRACE", send: head("/echo", { method: "TRACE" }), expected: problem(405, "method_not_allowed") },
  {
    title: "CONNECT",
    send: head("gateway.test:443", { method: "CONNECT" }),
    expected: platform(500),
    // The platform's edge refuses it; workerd by itself looks for a handler that no Worker of ours has.
    platformSays: /^Received a connect event|Handler does not export a connect\(\) function/,
  },
  {
    title: "PROPFIND",
    send: head("/echo", { method: "PROPFIND" }),
    expected: problem(405, "method_not_allowed"),
  },
  {
    title: "HEAD on a service that takes POST",
    send: head("/echo", { method: "HEAD" }),
    expected: { status: 405, code: "bare" },
  },
  {
    title: "DELETE on a service that takes POST",
    send: head("/echo", { method: "DELETE" }),
    expected: problem(405, "method_not_allowed"),
  },
  {
    title: "OPTIONS on a service",
    send: head("/echo", { method: "OPTIONS" }),
    expected: { status: 204, code: "bare" },
  },
  {
    title: "POST said to be DELETE",
    send: head("/echo", { headers: ["X-HTTP-Method-Override: DELETE"], body: "x" }),
    expected: served(header("x-http-method"), ["POST"]),
  },
  {
    title: "no HTTP at all",
    send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    expected: platform(400),
  },
  { title: "HTTP/9.9", send: "GET /look HTTP/9.9\r\nHost: gateway.test\r\n\r\n", expected: platform(400) },
];

const headers: readonly HostileRequest[] = [
  {
    title: "a header of 1 MB",
    send: head("/echo", { headers: [`X-Large: ${"x".repeat(1_000_000)}`], body: "x" }),
    expected: platform(431),
  },
  {
    title: "10,000 headers",
    send: head("/echo", { headers: Array.from({ length: 10_000 }, (_, at) => `X-${at}: ${at}`), body: "x" }),
    expected: problem(431, "headers_too_large"),
  },
  {
    title: "a NUL in a header",
    send: head("/echo", { headers: ["X-Tenant: a\0b"], body: "x" }),
    expected: platform(400),
  },
  {
    title: "a lone surrogate in a header",
    send: head("/echo", { headers: [`X-Tenant: ${surrogate}`], body: "x" }),
    expected: served(header("x-tenant"), ["\xef\xbf\xbd".repeat(3)]),
  },
  {
    title: "a bare LF with another header behind it",
    send: head("/echo", { headers: ["X-Tenant: a\nX-Principal: root"], body: "x" }),
    expected: served(header("x-principal"), []),
  },
  {
    title: "a bare CR in a header",
    send: head("/echo", { headers: ["X-Tenant: a\rX-Principal: root"], body: "x" }),
    expected: platform(400),
  },
  {
    title: "a header that is folded",
    send: head("/echo", { headers: ["X-Tenant: a\r\n X-Principal: root"], body: "x" }),
    expected: platform(400),
  },
  {
    title: "a space before the colon",
    send: head("/echo", { headers: ["X-Tenant : a"], body: "x" }),
    expected: platform(400),
  },
  {
    title: "a header without a name",
    send: head("/echo", { headers: [": a"], body: "x" }),
    expected: platform(400),
  },
  {
    title: "a header that is called __proto__",
    send: head("/echo", { headers: ["__proto__: polluted"], body: "x" }),
    expected: served(header("__proto__"), []),
  },
  {
    title: "two Idempotency-Keys",
    send: head("/keyed", {
      headers: ['Idempotency-Key: "key-of-sixteen-chars-1"', 'Idempotency-Key: "key-of-sixteen-chars-2"'],
      body: "x",
    }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "two Content-Types",
    send: head("/echo", { headers: ["Content-Type: text/plain", "Content-Type: text/html"], body: "x" }),
    expected: served(header("content-type"), ["text/plain, text/html"]),
  },
  {
    title: "two X-Correlation-IDs",
    send: head("/echo", { headers: ["X-Correlation-ID: a", "X-Correlation-ID: b"], body: "x" }),
    expected: served(header("x-client-correlation-id"), ["a, b"]),
  },
  {
    title: "an X-Correlation-ID of 257 characters",
    send: head("/echo", { headers: [`X-Correlation-ID: ${"c".repeat(257)}`], body: "x" }),
    expected: problem(400, "bad_request"),
  },
  {
    title: "an X-Correlation-ID that is an ID given out to somebody",
    send: ({ hexId }) => head("/echo", { headers: [`X-Correlation-ID: ${hexId}`], body: "x" }),
    expected: served(),
  },
  {
    title: "no Idempotency-Key where one is needed",
    send: head("/keyed", { body: "x" }),
    expected: problem(400, "idempotency_key_required"),
  },
  {
    title: "an Idempotency-Key that is a bare word",
    send: head("/keyed", { headers: ["Idempotency-Key: key-of-sixteen-chars"], body: "x" }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "an Idempotency-Key that anybody could guess",
    send: head("/keyed", { headers: ['Idempotency-Key: "1"'], body: "x" }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "an Idempotency-Key of 10 kB",
    send: head("/keyed", { headers: [`Idempotency-Key: "${"k".repeat(10_000)}"`], body: "x" }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "an Idempotency-Key with an open quote",
    send: head("/keyed", { headers: ['Idempotency-Key: "key-of-sixteen-chars'], body: "x" }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "an Idempotency-Key in bytes that are not ASCII",
    send: head("/keyed", { headers: [`Idempotency-Key: "key-of-sixteen-${surrogate}"`], body: "x" }),
    expected: problem(400, "idempotency_key_invalid"),
  },
  {
    title: "an Idempotency-Key with a JSON tuple in it",
    send: head("/keyed", {
      headers: ['Idempotency-Key: "\\",\\"\\",\\"echo\\",\\"idempotency-key"'],
      body: "x",
    }),
    expected: served(),
  },
  {
    title: "a Prefer that waits for ever",
    send: head("/echo", { headers: ["Prefer: wait=99999999999999999999999999"], body: "x" }),
    expected: served(),
  },
  {
    title: "a Prefer that waits a negative time",
    send: head("/echo", { headers: ["Prefer: wait=-1"], body: "x" }),
    expected: served(),
  },
  {
    title: "a Prefer of 10,000 open quotes",
    send: head("/echo", { headers: [`Prefer: ${'a="'.repeat(10_000)}`], body: "x" }),
    expected: served(),
  },
  {
    title: "a Prefer of names that every object has",
    send: head("/echo", { headers: ["Prefer: __proto__=1, constructor, toString=wait"], body: "x" }),
    expected: served(),
  },
];

const forged: readonly HostileRequest[] = [
  ...[
    "Hearback-Park",
    "Hearback-Assignment",
    "X-Reply-Topic",
    "X-Reply-Partition",
    "X-Deadline",
    "X-Keep-Until",
    "X-Produce-ID",
    "X-Principal",
    "X-Cancel",
    "X-Http-Path",
    "X-Client-Correlation-ID",
    "X-Reply-Status",
  ].map((name): HostileRequest => ({
    title: `a ${name} of the client's own`,
    send: head("/echo", { headers: [`${name}: forged`], body: "x" }),
    expected: served(({ headers: shown }) => shown.filter(([, value]) => value === "forged"), []),
  })),
  {
    title: "an upgrade to a WebSocket with a parked wait in it",
    send: head("/look", {
      method: "GET",
      headers: [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        'Hearback-Park: {"kind":"plain","spec":{"deadlineAt":9999999999999,"replyTopic":"x"}}',
      ],
    }),
    expected: served(),
  },
  { title: "a forged Host", send: "GET /look HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", expected: served() },
  { title: "no Host", send: "GET /look HTTP/1.1\r\n\r\n", expected: platform(400) },
  {
    title: "the operators' path without a token",
    send: head("/_hearback/ledger", { method: "GET" }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "the operators' path with a token of 10 kB",
    send: head("/_hearback/ledger", {
      method: "GET",
      headers: [`Authorization: Bearer ${"t".repeat(10_000)}`],
    }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "the operators' path with an empty token",
    send: head("/_hearback/ledger", { method: "GET", headers: ["Authorization: Bearer "] }),
    expected: problem(401, "operator_token_required"),
  },
];

const look = (id: string): string => head(`/requests/${id}`, { method: "GET" });
const unknownId = problem(404, "request_unknown");

const ids: readonly HostileRequest[] = [
  { title: "an ID of zeros", send: look("0".repeat(64)), expected: unknownId },
  { title: "an ID of this length that was guessed", send: look("deadbeef".repeat(8)), expected: unknownId },
  {
    title: "a given-out ID with one digit changed",
    send: ({ hexId }) => look(flipped(hexId, 10)),
    expected: unknownId,
  },
  {
    title: "a given-out ID with its last digit changed",
    send: ({ hexId }) => look(flipped(hexId, 63)),
    expected: unknownId,
  },
  {
    title: "a given-out ID without its last digit",
    send: ({ hexId }) => look(hexId.slice(0, -1)),
    expected: unknownId,
  },
  {
    title: "a given-out ID of a plain request, in upper case",
    send: ({ hexId }) => look(hexId.toUpperCase()),
    expected: problem(410, "gone"),
  },
  {
    title: "a UUID that nobody signed",
    send: look("01234567-89ab-8def-8123-456789abcdef"),
    expected: unknownId,
  },
  {
    title: "a signed UUID with one digit changed",
    send: ({ uuidId }) => look(flipped(uuidId, 0)),
    expected: unknownId,
  },
  {
    title: "a signed UUID with its signature changed",
    send: ({ uuidId }) => look(flipped(uuidId, 35)),
    expected: unknownId,
  },
  { title: "an ID of 10 kB", send: look("a".repeat(10_000)), expected: problem(414, "uri_too_long") },
  { title: "an ID of 5 kB", send: look("a".repeat(5_000)), expected: unknownId },
  {
    title: "an ID that climbs out, encoded",
    send: look("..%2f..%2f_hearback%2fledger"),
    expected: unknownId,
  },
  { title: "an ID that is no text", send: look("%00%ff%ED%A0%80"), expected: unknownId },
  {
    title: "a guessed ID taken back",
    send: head(`/requests/${"deadbeef".repeat(8)}`, { method: "DELETE" }),
    expected: unknownId,
  },
  {
    title: "a dead letter whose ID is a query",
    send: head("/_hearback/dead-letters/1%20OR%201=1", {
      method: "DELETE",
      headers: ["Authorization: Bearer operator-token-of-the-hostile-tests"],
    }),
    expected: problem(404, "not_found"),
  },
];

const withKey = (key: string, ...more: readonly string[]) => ({
  headers: [`Authorization: Bearer ${key}`, ...more],
});
const unauthenticated = problem(401, "unauthenticated");

const tenants: readonly HostileRequest[] = [
  {
    title: "another tenant's ID",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "GET", ...withKey(secrets.betaKey) }),
    expected: unknownId,
  },
  {
    title: "another tenant's ID, waited for",
    send: ({ acmeId }) =>
      head(`/requests/${acmeId}`, { method: "GET", ...withKey(secrets.betaKey, "Prefer: wait=10") }),
    expected: unknownId,
  },
  {
    title: "another tenant's ID taken back",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "DELETE", ...withKey(secrets.betaKey) }),
    expected: unknownId,
  },
  {
    title: "a tenant's ID, by nobody in particular",
    send: ({ acmeId }) => look(acmeId),
    expected: unknownId,
  },
  {
    title: "a tenant's ID taken back by nobody in particular",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "DELETE" }),
    expected: unknownId,
  },
  {
    title: "a tenant's ID with a wrong API key",
    send: ({ acmeId }) =>
      head(`/requests/${acmeId}`, { method: "GET", ...withKey(flipped(secrets.acmeKey, 39)) }),
    expected: unauthenticated,
  },
  {
    title: "a tenant's ID with the tenant's name as its own word",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "GET", headers: ["X-Principal: acme"] }),
    expected: unknownId,
  },
  {
    title: "another tenant's Idempotency-Key, with another body",
    send: head("/tenant", {
      ...withKey(secrets.betaKey, `Idempotency-Key: "${acmeIdempotencyKey}"`),
      body: "x",
    }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
  {
    title: "a tenant's Idempotency-Key at a service that asks nobody who they are",
    send: head("/echo", { headers: [`Idempotency-Key: "${acmeIdempotencyKey}"`], body: "x" }),
    expected: served(header("x-principal"), []),
  },
  {
    title: "a tenant's correlation ID as the client's own, where it is no key",
    send: ({ acmeId }) =>
      head("/tenant", { ...withKey(secrets.betaKey, `X-Correlation-ID: ${acmeId}`), body: "x" }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
];

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { iss: issuer, aud: audience, sub: "alice", exp: 9_999_999_999 };
const ownKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Signed with a key of the attacker's own. */
function selfSigned(tokenHead: Readonly<Record<string, unknown>>): string {
  const text = `${part({ alg: "ES256", ...tokenHead })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(text), {
    key: ownKeys.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  return `${text}.${signature.toString("base64url")}`;
}

const refusedAt = (path: string, title: string, sent: readonly string[]): HostileRequest => ({
  title,
  send: head(path, { headers: sent, body: "x" }),
  expected: unauthenticated,
});
const bearer = (credential: string): readonly string[] => [`Authorization: Bearer ${credential}`];

const credentials: readonly HostileRequest[] = [
  refusedAt("/tenant", "no API key", []),
  refusedAt("/tenant", "an empty API key", ["X-API-Key: "]),
  refusedAt(
    "/tenant",
    "an API key that is wrong in its last character",
    bearer(flipped(secrets.acmeKey, 39)),
  ),
  refusedAt("/tenant", "an API key without its last character", bearer(secrets.acmeKey.slice(0, -1))),
  refusedAt("/tenant", "an API key with a character more", bearer(`${secrets.acmeKey}x`)),
  refusedAt("/tenant", "an API key that has expired", bearer(secrets.expiredKey)),
  refusedAt("/tenant", "the digest of an API key in place of the key", bearer(sha256(secrets.acmeKey))),
  refusedAt("/tenant", "an API key of 10 kB", [`X-API-Key: ${"k".repeat(10_000)}`]),
  refusedAt("/tenant", "an API key in bytes that are not ASCII", [`X-API-Key: ${surrogate}\xff`]),
  refusedAt("/tenant", "two API keys in one header", [
    `X-API-Key: ${secrets.acmeKey}`,
    `X-API-Key: ${secrets.betaKey}`,
  ]),
  refusedAt("/tenant", "an API key as a password", [
    `Authorization: Basic ${Buffer.from(`acme:${secrets.acmeKey}`).toString("base64")}`,
  ]),
  refusedAt(`/tenant?api_key=${secrets.acmeKey}`, "an API key in the query", []),
  refusedAt("/tenant", "the operator's token where API keys are asked for", bearer(secrets.operatorToken)),
  {
    title: "an API key where operators are asked for their token",
    send: head("/_hearback/ledger", { method: "GET", ...withKey(secrets.acmeKey) }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "an X-Principal beside an API key",
    send: head("/tenant", {
      ...withKey(secrets.betaKey, 'X-Principal: {"sub":"acme"}', "x-principal: acme"),
      body: "x",
    }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
  refusedAt(
    "/signed-in",
    "a token that nobody signed (alg none)",
    bearer(`${part({ alg: "none" })}.${part(claims)}.`),
  ),
  refusedAt(
    "/signed-in",
    "a token with alg none in other letters, and the key's name",
    bearer(`${part({ alg: "nOnE", kid: "the one key" })}.${part(claims)}.`),
  ),
  refusedAt(
    "/signed-in",
    "a token that brings its own key",
    bearer(selfSigned({ jwk: ownKeys.publicKey.export({ format: "jwk" }), kid: "mine" })),
  ),
  refusedAt(
    "/signed-in",
    "a token that says where its keys are",
    bearer(
      selfSigned({ jku: "http://169.254.169.254/keys", x5u: "http://169.254.169.254/keys", kid: "mine" }),
    ),
  ),
  refusedAt(
    "/signed-in",
    "a token with the key's name and a signature of its own",
    bearer(selfSigned({ kid: "the one key" })),
  ),
  refusedAt("/signed-in", "a token of 10,000 dots", bearer(".".repeat(10_000))),
  refusedAt(
    "/signed-in",
    "a token with JSON nested a thousand deep",
    bearer(`${Buffer.from("[".repeat(1_000)).toString("base64url")}.${part(claims)}.AAAA`),
  ),
  refusedAt("/signed-in", "an API key where tokens are asked for", bearer(secrets.acmeKey)),
  refusedAt("/signed-in", "what Access would say, where nobody asks Access", [
    `Cf-Access-Jwt-Assertion: ${selfSigned({ kid: "the one key" })}`,
  ]),
];

const preflight = (origin: string, target = "/paged", method = "POST"): string =>
  head(target, {
    method: "OPTIONS",
    headers: [
      `Origin: ${origin}`,
      `Access-Control-Request-Method: ${method}`,
      "Access-Control-Request-Headers: authorization",
    ],
  });
const allowsNobody = { "access-control-allow-origin": undefined };

const pages: readonly HostileRequest[] = [
  ...["https://evil.example", `${ownOrigin}.evil.example`, "https://evil.app.example", "null", "*"].map(
    (origin): HostileRequest => ({
      title: `a preflight from ${origin}`,
      send: preflight(origin),
      expected: { status: 204, code: "bare" },
      answerHeaders: allowsNobody,
    }),
  ),
  {
    title: "a preflight from the service's own page for a method that it does not take",
    send: preflight(ownOrigin, "/paged", "DELETE"),
    expected: { status: 204, code: "bare" },
    answerHeaders: allowsNobody,
  },
  {
    title: "a preflight for the operators",
    send: preflight(ownOrigin, "/_hearback/ledger", "GET"),
    expected: problem(401, "operator_token_required"),
    answerHeaders: allowsNobody,
  },
  {
    title: "an origin with a line break in it, encoded",
    send: preflight(`${ownOrigin}%0d%0aSet-Cookie:%20a=b`),
    expected: { status: 204, code: "bare" },
    answerHeaders: { ...allowsNobody, "set-cookie": undefined },
  },
  {
    title: "a form of a foreign page, which nobody asks before it is sent, and which may not read the answer",
    send: head("/paged", {
      headers: ["Origin: https://evil.example", "Content-Type: text/plain"],
      body: "x",
    }),
    expected: served(bodyOf, "x"),
    answerHeaders: allowsNobody,
  },
];

const wrongItem = '{"qty":"1"}';
const schemas: readonly HostileRequest[] = [
  {
    title: "a body that breaks the service's schema",
    send: head("/checked", { body: `{"items":[${wrongItem}]}` }),
    expected: told(422, "request_invalid", ({ problems: some }) => some?.map(({ path }) => path), [
      "/items/0/qty",
    ]),
  },
  {
    title: "a body that breaks the service's schema 80,000 times",
    send: head("/checked", { body: `{"items":[${Array(80_000).fill(wrongItem).join(",")}]}` }),
    expected: told(
      422,
      "request_invalid",
      (said) => [said.problems?.length, said.moreProblems],
      [1_000, 79_000],
    ),
  },
  {
    title: "a body that has what its schema wants in __proto__",
    send: head("/checked", { body: '{"__proto__":{"items":[]}}' }),
    expected: problem(422, "request_invalid"),
  },
  {
    title: "a body nested a hundred thousand deep, where there is a schema",
    send: head("/checked", { body: `{"items":${deepJson}}` }),
    expected: problem(400, "body_unreadable"),
  },
  {
    title: "a body that is no JSON, where there is a schema",
    send: head("/checked", { body: '{"items":[' }),
    expected: problem(400, "body_unreadable"),
  },
  {
    title: "a body that is not UTF-8, where there is a schema",
    send: head("/checked", { body: `{"items":[],"x":"${surrogate}"}` }),
    expected: problem(400, "body_unreadable"),
  },
  {
    title: "a gzip bomb of 200 MB, where there is a schema",
    send: head("/checked", { headers: ["Content-Encoding: gzip"], body: zipBomb }),
    expected: problem(415, "unsupported_encoding"),
    answerHeaders: { "accept-encoding": "identity" },
  },
  {
    title: "JSON that is said to be compressed twice, where there is a schema",
    send: head("/checked", {
      headers: ["Content-Encoding: identity", "Content-Encoding: gzip"],
      body: '{"items":[]}',
    }),
    expected: problem(415, "unsupported_encoding"),
  },
];

function flipped(id: string, at: number): string {
  return `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
}

export const hostileRequests: readonly HostileRequest[] = [
  ...bodies,
  ...framing,
  ...targets,
  ...methods,
  ...headers,
  ...forged,
  ...ids,
  ...tenants,
  ...credentials,
  ...pages,
  ...schemas,
];
