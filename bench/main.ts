// `npm run bench`: what its options ask for. Which units there are is plan.ts, how they are run run.ts, what is made of
// them report/.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanUpOnExit } from "../dev/cleanups.ts";
import { optionsOrExit } from "../dev/command-line.ts";
import { contenders } from "./contenders/index.ts";
import type { ContenderId } from "./contenders/contender.ts";
import { machineAtHand } from "./machine.ts";
import { parseBenchOptions } from "./options.ts";
import { planBench, settings } from "./plan.ts";
import { summarize, verifyReport, writeReport } from "./report/index.ts";
import { runUnits } from "./run.ts";
import { warmWorld } from "./sections/warm-world.ts";
import { forgetUnit, readUnits } from "./store.ts";
import { startWorld, type World } from "./world/index.ts";

const { action, isSmoke, isFresh, only, results } = optionsOrExit(parseBenchOptions(process.argv.slice(2)));
const say = (line: string): void => console.log(`bench    │ ${line}`);
const report = (): void => {
  const titles = Object.fromEntries(contenders.map(({ id, title }) => [id, title]));
  const environment = {
    machine: machineAtHand(),
    titles: titles as Record<ContenderId, string>,
    settings,
  };
  for (const { target, value, reached } of writeReport(results, readUnits(results), environment).targets)
    say(`${reached ? "reached" : "NOT reached"}: ${target}: ${value}`);
  say(`${join(results, "README.md")} has it all`);
};

if (action === "verify") {
  const differences = verifyReport(results);
  for (const difference of differences) console.error(difference);
  if (differences.length === 0) say(`${join(results, "summary.json")} is what the raw histograms say`);
  process.exit(differences.length === 0 ? 0 : 1);
}
if (action === "report") {
  report();
  process.exit(0);
}

const cleanups = cleanUpOnExit();
const scratch = await mkdtemp(join(tmpdir(), "hearback-bench-"));
cleanups.later(() => rm(scratch, { recursive: true, force: true }));

let shared: Promise<World> | undefined;
/** One broker and one responder for all turns of the comparison, so that every contender meets the same ones. */
const sharedWorld = (): Promise<World> =>
  (shared ??= (async () => {
    const world = await startWorld({ folder: join(scratch, "shared"), onLine: say });
    if (!isSmoke) await warmWorld(world, join(scratch, "warm-up"), say);
    return world;
  })());
async function endSharedWorld(): Promise<void> {
  const world = shared;
  shared = undefined;
  await (await world)?.stop();
}
cleanups.later(endSharedWorld);

try {
  const planned = planBench({ isSmoke, only, sharedWorld });
  if (isFresh) for (const { name } of planned) forgetUnit(results, name);
  const measured = new Set(readUnits(results).map(({ unit }) => unit));
  const units = planned.filter(({ name }) => !measured.has(name));
  say(`${units.length} units to measure, ${planned.length - units.length} are there already`);
  const failed = await runUnits({
    units,
    results,
    scratch,
    isSmoke,
    say,
    kneeOf: (contender) =>
      summarize(readUnits(results)).contenders.find(({ id }) => id === contender)?.knee?.median,
    sectionEnded: endSharedWorld,
  });
  report();
  if (failed.length > 0) say(`not measured: ${failed.join(", ")}; the same command tries them again`);
  await cleanups.end(failed.length > 0 ? 1 : 0);
} catch (cause) {
  if (!cleanups.isEnding) console.error(cause instanceof Error ? cause.message : cause);
  await cleanups.end(1);
}
