// `npm run conformance`: runs the project's tests, or reads results of earlier runs, and prints every row of
// the founding documents with the tests that show it. What a title means for a row is match.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { closingLine, match, problemsOf, type Report } from "./match.ts";
import { expectedRowCount, rows } from "./rows.ts";
import { readVitestJson, type TestRun } from "./vitest-json.ts";

const usage = `npm run conformance -- [options]
  --from FILE   read this result of vitest's JSON reporter instead of running the tests; may be repeated`;

const root = fileURLToPath(new URL("../..", import.meta.url));

function main(): void {
  const options = parseOptions();
  if (options === undefined) return;
  const runs = options.from.length > 0 ? options.from.map(readRun) : [runTests()];
  const report = match(
    rows,
    runs.flatMap(({ tests }) => tests),
  );
  const problems = [...runs.flatMap(({ troubles }) => troubles), ...problemsOf(report, expectedRowCount)];
  print(report, problems);
  if (report.counts.failed > 0 || problems.length > 0) process.exitCode = 1;
}

/** Undefined when there is nothing to do but what was printed here. */
function parseOptions(): { readonly from: readonly string[] } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        from: { type: "string", multiple: true, default: [] },
        help: { type: "boolean", default: false },
      },
    });
    if (!values.help) return { from: values.from };
    console.log(usage);
  } catch (cause) {
    console.error(`${messageOf(cause)}\n\n${usage}`);
    process.exitCode = 1;
  }
  return undefined;
}

function readRun(file: string): TestRun {
  try {
    return readVitestJson(readFileSync(file, "utf8"));
  } catch (cause) {
    // A result that cannot be read is a trouble of the report, not its end: the rows are worth seeing.
    return { tests: [], troubles: [`cannot read test results from ${file}: ${messageOf(cause)}`] };
  }
}

function runTests(): TestRun {
  const folder = mkdtempSync(join(tmpdir(), "hearback-conformance-"));
  const output = join(folder, "results.json");
  console.error("Running the tests; this takes a while ...");
  try {
    const { status, signal, error } = spawnSync(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--config",
        "vitest.config.ts",
        "--reporter=json",
        `--outputFile=${output}`,
      ],
      // Whatever the tests print goes to stderr: stdout is the report and nothing else.
      { cwd: root, stdio: ["ignore", 2, 2] },
    );
    if (error !== undefined) throw error;
    const run = readRun(output);
    const failed = run.troubles.length > 0 || run.tests.some(({ state }) => state === "failed");
    if (status === 0 || failed) return run;
    // An error that nobody caught shows in vitest's exit code only; the JSON calls such a run a success.
    const ending = signal === null ? `code ${status}` : signal;
    return { ...run, troubles: [`vitest ended with ${ending}, though no test failed`] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(report: Report, problems: readonly string[]): void {
  for (const { row, state, tests } of report.rows) {
    console.log(`${row.id.padEnd(4)}${state.padEnd(8)}${row.element}`);
    for (const test of tests) console.log(`${" ".repeat(12)}${test.state.padEnd(8)}${test.title}`);
  }
  console.log("");
  for (const problem of problems) console.log(`error: ${problem}`);
  console.log(closingLine(report));
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

main();
