// Bodies that are not what they seem, or not what a service can take.

import { bodyOf, deepJson, head, problem, served, surrogate, zipBomb, type HostileRequest } from "./words.ts";

export const bodies: readonly HostileRequest[] = [
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
