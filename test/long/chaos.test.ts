// Everything is killed, for minutes: three seeds, one long run, and each gateway that is broken on purpose. Writes what
// came of it to docs/proof/chaos.md.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { table } from "../../dev/markdown.ts";
import { brokenGateways } from "../chaos/broken/index.ts";
import { check, type CheckReport } from "../chaos/checker/index.ts";
import { targets, type RunFile } from "../chaos/journal.ts";
import { brief, usual } from "../chaos/presets.ts";
import { writeCharts } from "../chaos/report/charts.ts";
import { printReport } from "../chaos/report/print.ts";
import { isAnswer, readSummary, type Summary } from "../chaos/report/summary.ts";
import { runChaos } from "../chaos/run.ts";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { writtenBy } from "../support/proof.ts";

const proof = fileURLToPath(new URL("../../docs/proof", import.meta.url));
const later = useCleanups();
const progress = (line: string): void => console.log(line);
/** Beside its load: until the loop is there, and until all retention is over. */
const besidesMs = 360_000;

/** A gateway must get to do what it does wrong: it breaks one answer in twenty, and begins to count when it is killed. */
const calm = { rate: 20, breaksMs: [3_000, 6_000] } as const;

const overview: (string | number)[][] = [];
const reports: string[] = [];
const caught: string[][] = [];

async function runAndCheck(run: Pick<RunFile, "seed" | "minutes">): Promise<[Summary, CheckReport]> {
  const folder = await temporaryFolder();
  await runChaos({ ...usual, ...run, targets, folder, progress }, later);
  const report = await check(folder);
  const summary = readSummary(folder);
  mkdirSync(join(proof, "chaos"), { recursive: true });
  const charts = writeCharts(folder, join(proof, "chaos"), `seed-${run.seed}-`);
  const places = { latency: `chaos/${charts.latency}`, resources: `chaos/${charts.resources}` };
  overview.push(overviewOf(summary, report));
  reports.push(`## Seed ${run.seed}, ${run.minutes} minutes\n\n${printReport(summary, report, places)}`);
  return [summary, report];
}

function overviewOf({ run, faults, calls, tries }: Summary, { violations }: CheckReport) {
  const kills = faults.filter(({ fault }) => fault === "kill");
  const timesOf = (all: typeof faults) =>
    targets.map((target) => `${all.filter((one) => one.target === target).length} ${target}`).join(", ");
  return [
    run.seed,
    run.minutes,
    timesOf(kills),
    timesOf(faults.filter(({ fault }) => fault === "pause")),
    calls.length,
    calls.filter(({ ended }) => ended === "answered").length,
    tries.length,
    tries.length - calls.length,
    tries.filter(isAnswer).length,
    violations.length,
  ];
}

afterAll(() => {
  const head = ["seed", "minutes", "killed with -9", "stopped and continued", "calls", "answered"];
  const parts = [
    "# Everything killed",
    writtenBy(),
    `${usual.rate} calls a second, half of them plain, the others with a key or asynchronous, by two principals.`,
    table([...head, "HTTP requests", "of them again", "answers (200)", "violations"], overview),
    "## Gateways that are broken on purpose",
    table(["gateway", "what it does", "must be caught as", "violations found"], caught),
    ...reports,
  ];
  writeFileSync(join(proof, "chaos.md"), `${parts.join("\n\n")}\n`);
});

test.each([1, 2, 3])(
  "three minutes of seed %i break no promise",
  { timeout: 180_000 + besidesMs },
  async (seed) => {
    const [{ faults }, { violations }] = await runAndCheck({ seed, minutes: 3 });
    expect(violations).toEqual([]);
    expect(faults.length).toBeGreaterThanOrEqual(20);
  },
);

test("nor do twenty minutes", { timeout: 1_200_000 + besidesMs }, async () => {
  const [{ faults }, { violations }] = await runAndCheck({ seed: 4, minutes: 20 });
  expect(violations).toEqual([]);
  expect(faults.length).toBeGreaterThanOrEqual(120);
});

describe("a gateway that is broken on purpose is caught", () => {
  test.each(brokenGateways)("$name: $what", { timeout: 60_000 + besidesMs }, async (broken) => {
    const folder = await temporaryFolder();
    await runChaos({ ...brief, ...calm, seed: 7, minutes: 0.75, targets, folder, broken, progress }, later);
    const { violations } = await check(folder);
    const found = [...Map.groupBy(violations, ({ name }) => name)];
    caught.push([
      broken.name,
      broken.what,
      broken.caughtAs.join(", "),
      found.map(([name, all]) => `${all.length} ${name}`).join(", "),
    ]);
    expect(found.map(([name]) => name)).toEqual(expect.arrayContaining([...broken.caughtAs]));
  });
});
