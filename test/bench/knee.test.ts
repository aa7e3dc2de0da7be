// How the ramp of the bench finds the highest rate that a contender holds.

import { expect, test } from "vitest";
import { encodeHistogram, newHistogram, recordMs } from "../../bench/load/histogram.ts";
import { nextStep, stepOf, type Step } from "../../bench/knee.ts";
import type { Measurement } from "../../bench/raw.ts";

/** All rates that are tried of somebody who holds what `holds` says, and the knee that is found. */
function ramp(holds: (perSecond: number, isRepeat: boolean) => boolean) {
  const steps: Step[] = [];
  for (;;) {
    const next = nextStep(steps);
    if ("knee" in next) return { rates: steps.map(({ perSecond }) => perSecond), knee: next.knee };
    steps.push({ perSecond: next.perSecond, held: holds(next.perSecond, next.isRepeat) });
  }
}

test("the ramp goes up by a half until a rate fails twice, and then twice between it and the one below", () => {
  expect(ramp((rate) => rate <= 1_200)).toEqual({
    rates: [200, 300, 450, 675, 1_015, 1_525, 1_525, 1_270, 1_270, 1_145],
    knee: 1_145,
  });
  expect(ramp((rate) => rate <= 1_400)).toEqual({
    rates: [200, 300, 450, 675, 1_015, 1_525, 1_525, 1_270, 1_400],
    knee: 1_400,
  });
});

test("a rate that fails once is repeated, and counts as held when the repeat is", () => {
  expect(ramp((rate, isRepeat) => rate < 600 && (rate !== 300 || isRepeat))).toEqual({
    rates: [200, 300, 300, 450, 675, 675, 565, 620, 620],
    knee: 565,
  });
});

test("whoever does not hold the first rate is asked for less, and has a knee of 0 when that is too much", () => {
  expect(ramp((rate) => rate <= 150)).toEqual({ rates: [200, 200, 100, 150], knee: 150 });
  expect(ramp(() => false)).toEqual({ rates: [200, 200, 100, 100, 50, 50], knee: 0 });
});

test("a rate is held when its p99 is below 100 ms and every answer was right", () => {
  const step = (slowMs: number, fates: Measurement["fates"]): boolean => {
    const latency = newHistogram();
    for (let n = 0; n < 100; n++) recordMs(latency, n < 98 ? 2 : slowMs);
    const none = encodeHistogram(newHistogram());
    return stepOf({
      name: "ramp-200",
      contender: "floor",
      perSecond: 200,
      seconds: 1,
      elapsedSeconds: 1,
      fates,
      latency: fates["right"] === undefined ? none : encodeHistogram(latency),
      lateness: none,
      processes: [],
    }).held;
  };
  expect(step(99, { right: 100 })).toBe(true);
  expect(step(101, { right: 100 })).toBe(false);
  expect(step(2, { right: 100, "503": 1 })).toBe(false);
  expect(step(2, { "no answer": 100 })).toBe(false);
});
