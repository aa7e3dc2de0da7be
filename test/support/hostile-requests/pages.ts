// What pages of other origins try from a browser.

import { ownOrigin } from "../hostile-loop.ts";
import { bodyOf, head, problem, served, type HostileRequest } from "./words.ts";

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

export const pages: readonly HostileRequest[] = [
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
