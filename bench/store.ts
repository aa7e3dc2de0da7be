// The raw units of a run as files: one each, there as a whole or not at all.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Unit } from "./raw.ts";

/** Of the folder of results. */
const rawFolder = "raw";

/** In the order in which they were run; none where there is no such folder. Throws for a file that is no JSON. */
export function readUnits(results: string): readonly Unit[] {
  const folder = join(results, rawFolder);
  return filesOf(folder)
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Unit)
    .toSorted((a, b) => a.startedAt.localeCompare(b.startedAt) || a.unit.localeCompare(b.unit));
}

/** In place of one of the same name. */
export function writeUnit(results: string, unit: Unit): void {
  const folder = join(results, rawFolder);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${unit.unit}.json`);
  // Whoever ends the run in the middle of it leaves no half of a unit.
  writeFileSync(`${file}.partial`, `${JSON.stringify(unit, undefined, 1)}\n`);
  renameSync(`${file}.partial`, file);
}

/** So that it is run again; a no-op where it is not there. */
export function forgetUnit(results: string, name: string): void {
  rmSync(join(results, rawFolder, `${name}.json`), { force: true });
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
