// Which tests show which row: reads the IDs in test titles and settles each row's state. Pure; where the
// results come from is vitest-json.ts, how the report looks and what it exits with is report.ts.

import type { Row } from "./rows.ts";

/** `skipped` stands for every test that did not run to its end: skipped, to do, or cut off. */
export type TestState = "passed" | "failed" | "skipped";

export interface TestResult {
  /** With the titles of the suites around it: an ID on a suite counts for every test in it. */
  readonly title: string;
  readonly state: TestState;
}

/**
 * - `passed`: at least one test carries the ID, and all that do have passed.
 * - `failed`: one of them has failed.
 * - `open`: no test carries it, or one that does was skipped. A case that did not run shows nothing, so it
 *   must not hide behind another that did.
 */
export type RowState = "passed" | "failed" | "open";

export interface RowReport {
  readonly row: Row;
  readonly state: RowState;
  readonly tests: readonly TestResult[];
}

export interface UnknownId {
  /** As written in the title. */
  readonly id: string;
  readonly title: string;
}

export interface Report {
  /** In the order of the table. */
  readonly rows: readonly RowReport[];
  readonly unknown: readonly UnknownId[];
  readonly counts: Readonly<Record<RowState, number>>;
}

export function match(rows: readonly Row[], results: readonly TestResult[]): Report {
  const testsById = new Map<string, TestResult[]>(rows.map(({ id }) => [id, []]));
  const unknown: UnknownId[] = [];
  for (const result of results) {
    for (const id of idsIn(result.title)) {
      const tests = testsById.get(id);
      if (tests === undefined) unknown.push({ id, title: result.title });
      else tests.push(result);
    }
  }
  const reports = rows.map((row) => {
    const tests = testsById.get(row.id) ?? [];
    return { row, state: stateOf(tests), tests };
  });
  const counts = { passed: 0, failed: 0, open: 0 };
  for (const { state } of reports) counts[state]++;
  return { rows: reports, unknown, counts };
}

/**
 * The IDs of a title, each once. A bracket that begins like an ID is taken as a list of IDs to its end, so
 * that a slip in it (a range, a missing comma) comes out as an unknown ID and not as a test that shows nothing.
 */
export function idsIn(title: string): string[] {
  const lists = title.matchAll(/\[\s*([A-Z]\d[^\]]*)\]/g);
  const ids = [...lists].flatMap(([, list = ""]) => list.split(",").map((id) => id.trim()));
  return [...new Set(ids)];
}

function stateOf(tests: readonly TestResult[]): RowState {
  if (tests.some(({ state }) => state === "failed")) return "failed";
  return tests.length > 0 && tests.every(({ state }) => state === "passed") ? "passed" : "open";
}

/** What is wrong with the rows or the titles, apart from failed tests; empty when all is well. */
export function problemsOf(report: Report, expectedRowCount: number): string[] {
  const problems = report.unknown.map(({ id, title }) => `unknown ID ${id} in the title of: ${title}`);
  const distinct = new Set(report.rows.map(({ row }) => row.id)).size;
  if (report.rows.length !== expectedRowCount || distinct !== expectedRowCount) {
    problems.push(
      `the table has ${report.rows.length} rows with ${distinct} different IDs; must be ${expectedRowCount}`,
    );
  }
  return problems;
}

export function closingLine({ rows, counts }: Report): string {
  return `${rows.length} rows: ${counts.passed} passed, ${counts.failed} failed, ${counts.open} open`;
}
