// What docs/scale.md reckons from the figures of a run.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Measurement, Unit } from "../../bench/raw.ts";
import { scaleTables } from "../../bench/sections/scale/document.ts";
import { percentileOf } from "../../bench/sections/scale/figures.ts";
import { ceilingsOf, needOf, perUnitOf, type PerUnit } from "../../bench/sections/scale/reckon.ts";
import { readUnits } from "../../bench/store.ts";
import { withTables } from "../../dev/cost/document.ts";
import { readMeasured } from "../../dev/cost/measured.ts";

const each: PerUnit = {
  kbPerWaiter: 20,
  idleCpuPercent: 0,
  kbPerAsync: 5,
  drainPerSecond: 2_000,
  workerdCpuMs: 1,
  bridgeCpuMs: 0.5,
};

function unitOf(unit: string, more: Partial<Unit>): Unit {
  const startedAt = "2026-11-22T00:00:00.000Z";
  return {
    unit,
    commit: "0",
    startedAt,
    versions: {},
    measurements: [],
    figures: [],
    remarks: [],
    ...more,
  };
}

function halfKnee(cpuSeconds: number, contender: Measurement["contender"] = "hearback-memory"): Measurement {
  return {
    name: "half-knee",
    contender,
    perSecond: 100,
    seconds: 10,
    elapsedSeconds: 10,
    fates: { right: 1_000, "503": 500 },
    latency: "",
    lateness: "",
    processes: [{ name: "workerd", cpuSeconds, peakMiB: 1 }],
  };
}

test("a million who wait while 100,000 a second ask wait 10 s each, and need what each takes so many times", () => {
  expect(needOf({ waiting: 1_000_000, perSecond: 100_000 }, each)).toEqual({
    waitSeconds: 10,
    isolates: 1_000,
    drains: 50,
    bridgeCores: 50,
    workerdCores: 100,
    waiterGb: 20,
  });
});

test("nothing is reckoned from what was not measured", () => {
  expect(needOf({ waiting: 1, perSecond: 1 }, { ...each, bridgeCpuMs: undefined })).toBeUndefined();
  expect(ceilingsOf(10, perUnitOf([])).map(({ source }) => source)).toEqual(["our code", "published"]);
});

test("the limit that comes first is named first", () => {
  const rates = ceilingsOf(10, each).map(({ perSecond }) => perSecond);
  // The bridge's core and the drain; 128 deliveries of 20 ms; 1,000 nudges of isolates that hold 1,000 for 10 s.
  expect(rates).toEqual([2_000, 2_000, 6_400, 100_000]);
  expect(ceilingsOf(10, { ...each, drainPerSecond: 9_000 })[0]?.what).toContain("bridge");
});

test("CPU of an exchange is that of right answers, in the middle turn of the one contender", () => {
  const units = [3, 1, 2].map((cpu, n) =>
    unitOf(`compare-${n}-hearback-memory`, { measurements: [halfKnee(cpu), halfKnee(9, "spring")] }),
  );
  expect(perUnitOf(units).workerdCpuMs).toBe(2);
});

test("percentiles are values that were seen", () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([0, 50, 99, 100].map((percent) => percentileOf(values, percent))).toEqual([1, 50, 99, 100]);
  expect(percentileOf([], 50)).toBeNaN();
});

test("docs/scale.md has the tables of the figures that are kept", () => {
  const document = readFileSync("docs/scale.md", "utf8");
  expect(withTables(document, scaleTables(readUnits("bench/results"), readMeasured()))).toBe(document);
});
