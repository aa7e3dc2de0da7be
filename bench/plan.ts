// What is measured in which order, and what of it somebody wants. How it is measured is in sections/.

import { hearbackMemory } from "./contenders/hearback/index.ts";
import { contenders } from "./contenders/index.ts";
import { compareSettings, planCompare } from "./sections/compare.ts";
import { planFounding } from "./sections/founding.ts";
import { planScale } from "./sections/scale/index.ts";
import type { PlannedUnit } from "./sections/unit.ts";
import type { World } from "./world/index.ts";

/** Every contender has so many turns; a small run has one. */
const rounds = 3;

/** What the comparison is made with, for whoever reads its figures. */
export const settings: Readonly<Record<string, string>> = { rounds: String(rounds), ...compareSettings };

export interface PlanOptions {
  readonly isSmoke: boolean;
  /** Sections, contenders, units; nothing: all of it. */
  readonly only: readonly string[];
  /** The one that all turns of the comparison share. */
  readonly sharedWorld: () => Promise<World>;
}

/** Throws an Error that says which word of `only` fits nothing. */
export function planBench({ isSmoke, only, sharedWorld }: PlanOptions): readonly PlannedUnit[] {
  const all = [
    ...planCompare(contenders, isSmoke ? 1 : rounds, sharedWorld),
    ...planFounding(hearbackMemory),
    ...planScale(hearbackMemory),
  ];
  const unknown = only.find((word) => !all.some((unit) => isMeant(unit, word)));
  if (unknown !== undefined) {
    const words = [...new Set(all.flatMap(({ section, contender }) => [section, contender.id]))];
    throw new Error(
      `--only: received ${JSON.stringify(unknown)}; must be some of ${words.join(", ")}, or names of units`,
    );
  }
  if (only.length > 0) return all.filter((unit) => only.some((word) => isMeant(unit, word)));
  // Each unit of scale starts a broker of its own: too long for a look at whether it works, unless asked for.
  return isSmoke ? all.filter(({ section }) => section !== "scale") : all;
}

function isMeant({ name, section, contender }: PlannedUnit, word: string): boolean {
  return word === name || word === section || word === contender.id;
}
