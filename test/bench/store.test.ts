// The files that the bench keeps its units in.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Unit } from "../../bench/raw.ts";
import { readUnits, writeUnit } from "../../bench/store.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hearback-bench-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const unit = (name: string, startedAt: string, remarks: readonly string[] = []): Unit => ({
  unit: name,
  commit: "0123456789ab",
  startedAt,
  versions: {},
  measurements: [],
  figures: [],
  remarks,
});

test("units are read in the order in which they were run, and one of the same name is replaced", () => {
  expect(readUnits(folder)).toEqual([]);
  const [first, second] = [
    unit("scale-b", "2026-01-01T00:00:00Z"),
    unit("compare-a", "2026-01-02T00:00:00Z"),
  ];
  writeUnit(folder, second);
  writeUnit(folder, first);
  expect(readUnits(folder)).toEqual([first, second]);
  const again = unit("scale-b", "2026-01-03T00:00:00Z", ["again"]);
  writeUnit(folder, again);
  expect(readUnits(folder)).toEqual([second, again]);
});

test("a unit whose writing was cut off is as if it had not been run", () => {
  writeUnit(folder, unit("compare-a", "2026-01-01T00:00:00Z"));
  writeFileSync(join(folder, "raw", "compare-b.json.partial"), '{"unit":');
  expect(readUnits(folder).map(({ unit: name }) => name)).toEqual(["compare-a"]);
  writeUnit(folder, unit("compare-b", "2026-01-02T00:00:00Z"));
  expect(readdirSync(join(folder, "raw")).toSorted()).toEqual(["compare-a.json", "compare-b.json"]);
});
