// `npm run chaos`: one run, its checker, its report. Prints and ends what it started; what a run does is run.ts.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUpOnExit } from "../../dev/cleanups.ts";
import { optionsOrExit } from "../../dev/command-line.ts";
import { brokenGateways } from "./broken/index.ts";
import { check } from "./checker/index.ts";
import { parseChaosOptions } from "./options.ts";
import { writeCharts } from "./report/charts.ts";
import { printReport } from "./report/print.ts";
import { readSummary } from "./report/summary.ts";
import { usual } from "./presets.ts";
import { runChaos } from "./run.ts";

const { broken: brokenName, ...options } = optionsOrExit(parseChaosOptions(process.argv.slice(2)));
const broken = brokenGateways.find(({ name }) => name === brokenName);
if (brokenName !== undefined && broken === undefined) {
  const names = brokenGateways.map(({ name }) => name).join(", ");
  console.error(`--broken: received ${JSON.stringify(brokenName)}; must be one of ${names}`);
  process.exit(1);
}

const cleanups = cleanUpOnExit();
const progress = (line: string): void => console.log(`chaos    │ ${line}`);
try {
  const { folder } = options;
  await runChaos(
    { ...usual, ...options, progress, ...(broken === undefined ? {} : { broken }) },
    cleanups.later,
  );
  progress("checking");
  const report = await check(folder);
  const text = printReport(readSummary(folder), report, writeCharts(folder, folder, ""));
  writeFileSync(join(folder, "report.md"), `# Chaos\n\n${text}`);
  for (const { name, what } of report.violations) console.error(`${name}: ${what}`);
  progress(`${report.violations.length} violations; ${join(folder, "report.md")}`);
  await cleanups.end(report.violations.length > 0 ? 1 : 0);
} catch (cause) {
  if (!cleanups.isEnding) console.error(cause);
  await cleanups.end(1);
}
