// Paths and queries that climb, hide, or are no text.

import { head, header, platform, problem, served, surrogate, type HostileRequest } from "./words.ts";

export const targets: readonly HostileRequest[] = [
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
