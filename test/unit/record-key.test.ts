// Where a record key comes from, and what a client is told when it is not there.

import { expect, test } from "vitest";
import { encodeText } from "../../protocol/index.ts";
import { readRecordKey } from "../../worker/http/record-key.ts";

const inputs = {
  pathParameter: (name: string) => (name === "id" ? "42" : undefined),
  query: new URLSearchParams("user=u1&empty="),
  headers: new Headers({ "x-user": "u2" }),
  body: encodeText('{"customer":{"id":7,"a/b":"slash"},"items":["first"]}'),
};

test.each([
  [{ path: "id" }, "42"],
  [{ query: "user" }, "u1"],
  [{ header: "X-User" }, "u2"],
  [{ body: "/customer/id" }, "7"],
  [{ body: "/customer/a~1b" }, "slash"],
  [{ body: "/items/0" }, "first"],
])("%j gives %s", (source, key) => {
  expect(readRecordKey(source, inputs)).toEqual({ ok: true, key });
});

test.each([
  [{ query: "empty" }, "query parameter empty"],
  [{ header: "x-none" }, "header x-none"],
  [{ body: "/customer" }, "a string or number at /customer of the JSON body"],
  [{ body: "/constructor/name" }, "a string or number at /constructor/name of the JSON body"],
])("%j is missing, and says so", (source, missing) => {
  expect(readRecordKey(source, inputs)).toEqual({ ok: false, missing });
});

test.each([
  ["no JSON", encodeText("{")],
  ["no UTF-8", Uint8Array.of(255)],
  ["text with half a character in it", encodeText('{"id":"\\ud800"}')],
])("a body that is %s has no key", (_, body) => {
  expect(readRecordKey({ body: "/id" }, { ...inputs, body }).ok).toBe(false);
});
