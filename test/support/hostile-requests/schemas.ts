// Bodies against the schema of their service, and against the gateway that reads them for it.

import { deepJson, head, problem, surrogate, told, zipBomb, type HostileRequest } from "./words.ts";

const wrongItem = '{"qty":"1"}';
export const schemas: readonly HostileRequest[] = [
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
