// Runs units one after the other and keeps what each has measured. Which ones, plan.ts says.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { commitAtHand } from "../dev/commit.ts";
import type { Contender, ContenderId } from "./contenders/contender.ts";
import type { Unit } from "./raw.ts";
import type { PlannedUnit, UnitContext } from "./sections/unit.ts";
import { writeUnit } from "./store.ts";

export interface BenchRun {
  readonly units: readonly PlannedUnit[];
  /** Where results are kept. */
  readonly results: string;
  /** For what units have to keep meanwhile. */
  readonly scratch: string;
  readonly isSmoke: boolean;
  readonly say: (line: string) => void;
  readonly kneeOf: (contender: ContenderId) => number | undefined;
  /** Called when the next unit is of another section than the last one. */
  readonly sectionEnded: () => Promise<void>;
}

/** Names of those that could not be measured; the others are kept. */
export async function runUnits(run: BenchRun): Promise<readonly string[]> {
  const { units, say } = run;
  const failed: string[] = [];
  for (const contender of new Set(units.map((unit) => unit.contender))) await prepare(contender, say);
  for (const [at, unit] of units.entries()) {
    const minutesLeft = Math.ceil(units.slice(at).reduce((sum, { seconds }) => sum + seconds, 0) / 60);
    const left = run.isSmoke ? "" : `, about ${minutesLeft} min left`;
    say(`[${at + 1}/${units.length}] ${unit.name}${left}`);
    try {
      writeUnit(run.results, await runUnit(unit, run));
    } catch (cause) {
      failed.push(unit.name);
      say(`${unit.name} could not be measured: ${cause instanceof Error ? cause.stack : String(cause)}`);
    }
    if (units[at + 1]?.section !== unit.section) await run.sectionEnded();
  }
  return failed;
}

async function prepare(contender: Contender, say: (line: string) => void): Promise<void> {
  await contender.prepare(say);
  const versions = Object.entries(await contender.versions()).map((each) => each.join(" "));
  say(`${contender.id}: ${contender.title}, ${versions.join(", ")}`);
}

async function runUnit(unit: PlannedUnit, run: BenchRun): Promise<Unit> {
  const folder = join(run.scratch, unit.name);
  await mkdir(folder, { recursive: true });
  const context: UnitContext = {
    folder,
    isSmoke: run.isSmoke,
    log: (line) => run.say(`  ${line}`),
    kneeOf: run.kneeOf,
  };
  const startedAt = new Date().toISOString();
  const commit = commitAtHand();
  try {
    const { measurements, figures, remarks } = await unit.run(context);
    const versions = await unit.contender.versions();
    return { unit: unit.name, commit, startedAt, versions, measurements, figures, remarks };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
