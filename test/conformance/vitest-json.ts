// What vitest's JSON reporter writes, as far as the report needs it: its text becomes test results and the
// troubles that no test stands for. It reads no file and starts nothing.

import * as v from "valibot";
import type { TestResult, TestState } from "./match.ts";

export interface TestRun {
  readonly tests: readonly TestResult[];
  /**
   * Failures outside of any test: a file that did not load, a hook that threw. The tests behind them are
   * missing or skipped, so without a word about it their rows would merely look open.
   */
  readonly troubles: readonly string[];
}

const jsonSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    success: v.boolean(),
    testResults: v.array(
      v.object({
        name: v.string(),
        status: v.string(),
        message: v.optional(v.string(), ""),
        assertionResults: v.array(v.object({ fullName: v.string(), status: v.string() })),
      }),
    ),
  }),
);

/** Throws when `text` is no result of the reporter. */
export function readVitestJson(text: string): TestRun {
  const { success, testResults } = v.parse(jsonSchema, text);
  const tests = testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ title: fullName, state: stateOf(status) })),
  );
  const troubles = testResults
    .filter(
      ({ status, assertionResults }) =>
        status === "failed" && !assertionResults.some((test) => test.status === "failed"),
    )
    .map(({ name, message }) => `${name} failed outside of its tests${message && `: ${message}`}`);
  if (!success && troubles.length === 0 && !tests.some(({ state }) => state === "failed")) {
    troubles.push("the run failed, though no test did");
  }
  return { tests, troubles };
}

/** The reporter also says todo and pending; whatever is neither passed nor failed did not run. */
function stateOf(status: string): TestState {
  return status === "passed" || status === "failed" ? status : "skipped";
}
