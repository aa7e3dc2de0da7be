// Headers that are too large, too many, twice there, or full of what a parser may trip over.

import { head, header, platform, problem, served, surrogate, type HostileRequest } from "./words.ts";

export const headers: readonly HostileRequest[] = [
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
