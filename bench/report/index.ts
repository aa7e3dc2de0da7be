// The report of a run, in the folder of its results: summary.json, README.md and the charts, all from the raw units; and
// whether what is there agrees with them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Unit } from "../raw.ts";
import { readUnits } from "../store.ts";
import { chartFiles, cpuChart, latencyChart, rampChart } from "./charts.ts";
import { differencesOf, miscounted } from "./differences.ts";
import type { Environment } from "./environment.ts";
import { printReport } from "./print.ts";
import { summarize } from "./summarize.ts";
import type { Summary } from "./summary.ts";

export type { Environment } from "./environment.ts";
export { summarize } from "./summarize.ts";
export type { Summary, TargetResult } from "./summary.ts";

const files = { summary: "summary.json", report: "README.md" } as const;

/** As it is stored. What was measured can be computed again; the environment cannot. */
interface Stored extends Summary {
  readonly environment: Environment;
}

/** `results`: the folder above that of the raw units. Writes over what is there. */
export function writeReport(results: string, units: readonly Unit[], environment: Environment): Summary {
  const summary = summarize(units);
  const stored: Stored = { ...summary, environment };
  mkdirSync(results, { recursive: true });
  const write = (file: string, text: string) => writeFileSync(join(results, file), text);
  write(files.summary, `${JSON.stringify(stored, undefined, 2)}\n`);
  write(files.report, printReport(summary, environment));
  if (summary.contenders.length > 0) {
    write(chartFiles.latency, latencyChart(units, environment.titles));
    write(chartFiles.ramp, rampChart(units, environment.titles));
    write(chartFiles.cpu, cpuChart(summary.contenders, environment.titles));
  }
  return summary;
}

/** Where the stored report and its raw units do not agree, a sentence each. Throws where there is no report. */
export function verifyReport(results: string): readonly string[] {
  const units = readUnits(results);
  const stored = JSON.parse(readFileSync(join(results, files.summary), "utf8")) as Stored;
  const { environment, ...summary } = stored;
  const again = summarize(units);
  const report = printReport(again, environment);
  return [
    ...(units.length === 0 ? ["there are no raw units"] : []),
    ...miscounted(units),
    ...differencesOf(summary, again),
    ...(readFileSync(join(results, files.report), "utf8") === report
      ? []
      : [`${files.report} is not what its figures come to`]),
  ];
}
