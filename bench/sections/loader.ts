// Loads one contender in one world, again and again: what all loads of a unit have in common is said once.

import type { Contender, RunningContender } from "../contenders/contender.ts";
import { describe } from "../load/describe.ts";
import { applyLoad } from "../load/open-loop.ts";
import { Work } from "../load/work.ts";
import type { Measurement } from "../raw.ts";
import type { World } from "../world/index.ts";
import { watchProcesses } from "../world/process-watch.ts";

export interface LoadStep {
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Loader {
  /** What is asked is never asked again. */
  load(name: string, step: LoadStep): Promise<Measurement>;
  /** Left out of what is measured: compilers and pools are to have seen their work. */
  warmUp(steps: readonly LoadStep[]): Promise<void>;
}

/** `run` is part of the ID of every question. */
export function loaderOf(
  run: string,
  contender: Contender,
  running: RunningContender,
  world: World,
  log: (line: string) => void,
): Loader {
  const work = new Work(run);
  const watch = watchProcesses(
    new Map([...running.processes, ...world.processes, ["load", process.pid] as const]),
  );
  const load = async (name: string, step: LoadStep): Promise<Measurement> => {
    const measured = await applyLoad({
      name,
      contender: contender.id,
      ...step,
      ask: running.ask,
      nextQuestion: () => work.question(),
      watch,
      ...(running.ledger === undefined ? {} : { ledger: running.ledger }),
    });
    log(`${name} at ${step.perSecond}/s: ${describe(measured)}`);
    return measured;
  };
  return {
    load,
    async warmUp(steps) {
      for (const step of steps) await load("warm-up", step);
    },
  };
}
