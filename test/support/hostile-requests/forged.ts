// Requests in the name of the gateway, of operators, or of the platform.

import { head, platform, problem, served, type HostileRequest } from "./words.ts";

export const forged: readonly HostileRequest[] = [
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
  {
    title: "a callback to cloud metadata, at a service that takes none",
    send: head("/echo", { headers: ["X-Callback-URL: http://169.254.169.254/latest/meta-data/"], body: "x" }),
    expected: problem(400, "callback_refused"),
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
