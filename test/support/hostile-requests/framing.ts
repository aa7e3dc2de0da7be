// Requests whose end is unclear, comes late, or never.

import { bodyOf, conversation, head, platform, problem, served, type HostileRequest } from "./words.ts";

export const framing: readonly HostileRequest[] = [
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
