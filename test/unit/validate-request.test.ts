// A request against schemas: what they get to see, and how their complaints are listed.

import { describe, expect, test, vi } from "vitest";
import { encodeText, type StandardSchemaV1 } from "../../protocol/index.ts";
import { validateRequest, type Checked } from "../../worker/http/validate-request.ts";

type Issues = readonly StandardSchemaV1.Issue[];

/** A schema without a library: `look` may note what it is given, and says what is wrong with it. */
function schema(look: (value: unknown) => Issues | Promise<Issues>): StandardSchemaV1 {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) => {
        const issues = await look(value);
        return issues.length === 0 ? { value } : { issues };
      },
    },
  };
}

const nothingWrong = schema(() => []);
const request = (parts: Partial<Checked> = {}): Checked => ({
  headers: new Headers(),
  body: encodeText("{}"),
  query: new URLSearchParams(),
  pathParameters: {},
  ...parts,
});

async function seenOf(part: "body" | "query" | "path", checked: Checked): Promise<unknown> {
  const seen: unknown[] = [];
  const noting = schema((value) => {
    seen.push(value);
    return [];
  });
  expect(await validateRequest({ [part]: noting }, checked)).toEqual({ status: "valid" });
  return seen[0];
}

test("query parameters are strings, repeated ones arrays, and names mean nothing else", async () => {
  const query = new URLSearchParams("a=1&b=x&b=y&empty=&__proto__=p&constructor=c");
  const seen = (await seenOf("query", request({ query }))) as object;
  expect(Object.entries(seen)).toEqual([
    ["a", "1"],
    ["b", ["x", "y"]],
    ["empty", ""],
    ["__proto__", "p"],
    ["constructor", "c"],
  ]);
  expect(Object.getPrototypeOf(seen)).toBe(Object.prototype);
});

test("path parameters and body are what they are", async () => {
  expect(await seenOf("path", request({ pathParameters: { id: "a/b" } }))).toEqual({ id: "a/b" });
  expect(await seenOf("body", request({ body: encodeText("[null,1.5]") }))).toEqual([null, 1.5]);
});

test("a body that no schema asks for is not looked into", async () => {
  const checked = request({ body: encodeText("{"), headers: new Headers({ "content-encoding": "gzip" }) });
  expect(await validateRequest({ query: nothingWrong }, checked)).toEqual({ status: "valid" });
});

test.each([
  ["gzip", "compressed"],
  ["br, gzip", "compressed"],
  ["identity", "valid"],
  ["Identity", "valid"],
  ["", "valid"],
])("with Content-Encoding %j a body is %s", async (encoding, status) => {
  const checked = request({ headers: new Headers({ "content-encoding": encoding }) });
  expect(await validateRequest({ body: nothingWrong }, checked)).toMatchObject({ status });
});

describe("depth", () => {
  const nested = (depth: number) => encodeText("[".repeat(depth) + "]".repeat(depth));
  test.each([
    ["200 levels", nested(200), "valid"],
    ["201 levels", nested(201), "unreadable"],
    ["brackets in a string", encodeText(JSON.stringify(`${"[".repeat(500)}\\"{"`)), "valid"],
    ["many, but side by side", encodeText(`[${"[],{},".repeat(500)}[]]`), "valid"],
  ])("of %s is %s", async (_, body, status) => {
    expect(await validateRequest({ body: nothingWrong }, request({ body }))).toMatchObject({ status });
  });
});

test("complaints of all three are one list; places are JSON pointers, whatever the library calls a step", async () => {
  const wrong = (path: StandardSchemaV1.Issue["path"]) => schema(async () => [{ message: "no", path }]);
  const verdict = await validateRequest(
    { body: wrong(["a/b", { key: "m~n" }, 0]), query: wrong(undefined), path: wrong([]) },
    request(),
  );
  expect(verdict).toEqual({
    status: "invalid",
    problems: [
      { in: "path", path: "", message: "no" },
      { in: "query", path: "", message: "no" },
      { in: "body", path: "/a~1b/m~0n/0", message: "no" },
    ],
    moreProblems: 0,
  });
});

test("what a client could make endless is cut, and how much is left is told", async () => {
  const long = "x".repeat(600);
  const many = schema(() => Array.from({ length: 1_500 }, () => ({ message: long, path: [long] })));
  const verdict = await validateRequest({ body: many, query: many }, request());
  if (verdict.status !== "invalid") throw new Error(verdict.status);
  expect([verdict.problems.length, verdict.moreProblems]).toEqual([1_000, 2_000]);
  expect(verdict.problems[0]).toEqual({
    in: "query",
    path: `/${"x".repeat(499)}…`,
    message: `${"x".repeat(500)}…`,
  });
});

test("a schema that throws is a bug, and no verdict; whatever it throws is an error", async () => {
  const throwing = (cause: unknown) => {
    const broken: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: vi.fn().mockImplementation(() => {
          throw cause;
        }),
      },
    };
    return validateRequest({ path: broken }, request());
  };
  await expect(throwing(new TypeError("bug"))).rejects.toThrow(TypeError);
  await expect(throwing("bug")).rejects.toThrow("a schema threw what is no Error");
});
