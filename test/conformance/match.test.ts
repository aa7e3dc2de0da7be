// The pure part of the conformance report: the table, the IDs in titles, the states of rows, and what of
// vitest's JSON counts. No title here carries an ID in brackets, or this file would show up in the report.

import { expect, test } from "vitest";
import { closingLine, idsIn, match, problemsOf, type TestResult, type TestState } from "./match.ts";
import { expectedRowCount, rows } from "./rows.ts";
import { readVitestJson } from "./vitest-json.ts";

const few = [
  { id: "A1", element: "first" },
  { id: "A2", element: "second" },
  { id: "B9", element: "third" },
];

function result(title: string, state: TestState = "passed"): TestResult {
  return { title, state };
}

function statesOf(...results: TestResult[]): Record<string, string> {
  return Object.fromEntries(match(few, results).rows.map(({ row, state }) => [row.id, state]));
}

test("the table has 133 different rows, in order, each with a demand of its own", () => {
  const series = { A: 29, B: 27, C: 7, D: 10, E: 60 };
  const ids = Object.entries(series).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(expectedRowCount).toBe(133);
  expect(new Set(rows.map(({ element }) => element)).size).toBe(133);
  expect(rows.filter(({ element }) => element.trim() === "")).toEqual([]);
});

test("a title carries one ID, several in one bracket, or several brackets, anywhere in it", () => {
  expect(idsIn("[A1] a POST waits")).toEqual(["A1"]);
  expect(idsIn("[A2, B9] a POST waits")).toEqual(["A2", "B9"]);
  expect(idsIn("suite [B9] a POST waits [A1][A2,B9]")).toEqual(["B9", "A1", "A2"]);
});

test("a bracket that does not begin like an ID, and an ID without a bracket, are no IDs", () => {
  expect(idsIn("parses [0, 1], [] and [text] as in A1")).toEqual([]);
});

test("each row gets the tests that carry its ID, in the order they came", () => {
  const both = result("[A1, B9] both");
  const one = result("[A1] one");
  const report = match(few, [both, result("none"), one]);
  expect(report.rows.map(({ row, tests }) => [row.id, tests])).toEqual([
    ["A1", [both, one]],
    ["A2", []],
    ["B9", [both]],
  ]);
  expect(report.counts).toEqual({ passed: 2, failed: 0, open: 1 });
  expect(closingLine(report)).toBe("3 rows: 2 passed, 0 failed, 1 open");
});

test("a row without a test is open", () => {
  expect(statesOf()).toEqual({ A1: "open", A2: "open", B9: "open" });
});

test("a row has failed as soon as one of its tests has", () => {
  expect(statesOf(result("[A1] good"), result("[A1, A2] bad", "failed"))).toEqual({
    A1: "failed",
    A2: "failed",
    B9: "open",
  });
});

test("a skipped test does not pass its row, not even beside one that passed", () => {
  expect(
    statesOf(result("[A1] skipped", "skipped"), result("[A2] ran"), result("[A2] skipped", "skipped")),
  ).toEqual({ A1: "open", A2: "open", B9: "open" });
});

test("a skipped test does not hide a failed one", () => {
  expect(statesOf(result("[A1] skipped", "skipped"), result("[A1] bad", "failed"))).toMatchObject({
    A1: "failed",
  });
});

test("an unknown ID is an error that names the title, and the known ones beside it still count", () => {
  const report = match(few, [result("[A1, A99] typed wrong")]);
  expect(report.unknown).toEqual([{ id: "A99", title: "[A1, A99] typed wrong" }]);
  expect(report.counts.passed).toBe(1);
  expect(problemsOf(report, few.length)).toEqual(["unknown ID A99 in the title of: [A1, A99] typed wrong"]);
});

test.each(["A1 A2", "A1-A2", "A01", "A1."])("a slip in a bracket is an unknown ID: %s", (slip) => {
  expect(match(few, [result(`[${slip}] typed wrong`)]).unknown).toMatchObject([{ id: slip }]);
});

test("a row too few, too many or twice is an error", () => {
  const [first = { id: "", element: "" }] = few;
  expect(problemsOf(match(few, []), 3)).toEqual([]);
  expect(problemsOf(match(few, []), 4)).toHaveLength(1);
  expect(problemsOf(match(few, []), 2)).toHaveLength(1);
  expect(problemsOf(match([...few.slice(1), first, first], []), 4)).toHaveLength(1);
});

interface FileInJson {
  readonly name?: string;
  readonly status?: string;
  readonly message?: string;
  readonly tests?: readonly (readonly [fullName: string, status: string])[];
}

/** A file as vitest's JSON reporter writes it, without what the report does not read. */
function json(success: boolean, ...files: FileInJson[]): string {
  const testResults = files.map(({ name = "a.test.ts", status = "passed", message = "", tests = [] }) => ({
    name,
    status,
    message,
    assertionResults: tests.map(([fullName, state]) => ({ fullName, status: state, failureMessages: [] })),
  }));
  return JSON.stringify({ numTotalTests: 1, success, testResults });
}

test("vitest's JSON gives full titles and states; todo and pending count as skipped", () => {
  const tests = [
    ["suite passes", "passed"],
    ["suite fails", "failed"],
    ["suite skips", "skipped"],
    ["suite has yet to be written", "todo"],
    ["suite was cut off", "pending"],
  ] as const;
  expect(readVitestJson(json(false, { status: "failed", tests }))).toEqual({
    tests: [
      { title: "suite passes", state: "passed" },
      { title: "suite fails", state: "failed" },
      { title: "suite skips", state: "skipped" },
      { title: "suite has yet to be written", state: "skipped" },
      { title: "suite was cut off", state: "skipped" },
    ],
    troubles: [],
  });
});

test("a file that failed without a failed test is a trouble of its own", () => {
  const run = readVitestJson(
    json(
      false,
      { name: "load.test.ts", status: "failed", message: "no such module" },
      { name: "hook.test.ts", status: "failed", tests: [["after the hook", "skipped"]] },
    ),
  );
  expect(run.troubles).toEqual([
    "load.test.ts failed outside of its tests: no such module",
    "hook.test.ts failed outside of its tests",
  ]);
});

test("a run that found no tests is a trouble", () => {
  expect(readVitestJson(json(false)).troubles).toEqual(["the run failed, though no test did"]);
});

test("a text that is not vitest's JSON is refused", () => {
  expect(() => readVitestJson("{")).toThrow();
  expect(() => readVitestJson('{"success":true}')).toThrow();
});
