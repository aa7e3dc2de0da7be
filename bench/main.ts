// `npm run bench`: runs what is planned and not measured yet, one unit after the other, and writes the report. What
// is measured is in sections/, what is made of it in report/.

import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cleanUpOnExit } from "../dev/cleanups.ts";
import { commitAtHand } from "../dev/commit.ts";
import { optionsOrExit } from "../dev/command-line.ts";
import type { ContenderId } from "./contenders/contender.ts";
import { machineAtHand } from "./machine.ts";
import { parseBenchOptions } from "./options.ts";
import { planBench } from "./plan.ts";
import { kneeOf, printTargets, verifyReport, writeReport } from "./report/index.ts";
import type { PlannedUnit } from "./sections/unit.ts";
import { forgetUnit, readUnits, writeUnit } from "./store.ts";
import { startWorld, type World } from "./world/index.ts";

const { action, isSmoke, isFresh, only, results } = optionsOrExit(
  parseBenchOptions(process.argv.slice(2)),
);
const say = (line: string): void => console.log(`bench    │ ${line}`);

if (action === "verify") {
  const differences = verifyReport(results);
  for (const difference of differences) console.error(difference);
  say(
    differences.length === 0
      ? `${join(results, "summary.json")} is what the raw histograms say`
      : `${differences.length} differences`,
  );
  process.exit(differences.length === 0 ? 0 : 1);
}
if (action === "report") {
  say(printTargets(writeReport(results, machineAtHand())));
  process.exit(0);
}

const cleanups = cleanUpOnExit();
const scratch = await mkdtemp(join(process.env["TMPDIR"] ?? "/tmp", "hearback-bench-"));
cleanups.later(() => rm(scratch, { recursive: true, force: true }));

let shared: Promise<World> | undefined;
/** One broker and one responder for all turns of the comparison, so that every contender meets the same ones. */
const sharedWorld = (): Promise<World> =>
  (shared ??= startWorld({ folder: join(scratch, "shared"), onLine: say }));
async function endSharedWorld(): Promise<void> {
  const world = shared;
  shared = undefined;
  await (await world)?.stop();
}
cleanups.later(endSharedWorld);

const planned = planned_();
if (isFresh) for (const { name } of planned) forgetUnit(results, name);
const measured = new Set(readUnits(results).map(({ unit }) => unit));
const left = planned.filter(({ name }) => !measured.has(name));
