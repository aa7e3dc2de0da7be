// Methods that no service has.

import { head, header, platform, problem, served, type HostileRequest } from "./words.ts";

export const methods: readonly HostileRequest[] = [
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
