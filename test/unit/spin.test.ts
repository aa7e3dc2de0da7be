// How long a wait is held before it is parked, by what the service has shown.

import { expect, test } from "vitest";
import { cheapestSpin, longestSpinMs, Spin } from "../../worker/exchange/spin.ts";

function spinAfter(latencies: readonly number[]): Spin {
  const spin = new Spin();
  for (const latency of latencies) spin.record(latency);
  return spin;
}

const times = (count: number, latency: number) => Array.from({ length: count }, () => latency);

/** What these waits cost by the list prices, in USD per million: written down once more, so that no slip hides. */
function costOf(spinMs: number, latencies: readonly number[]): number {
  const holdPerSecond = 1.6;
  const park = 2.182;
  return latencies.reduce(
    (sum, latency) =>
      sum + (Math.min(latency, spinMs) / 1_000) * holdPerSecond + (latency > spinMs ? park : 0),
    0,
  );
}

/** Latencies from 0 to `most` ms, the same at each run. */
function samples(seed: number, count: number, most: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  });
}

test("nothing is held longer than what parking costs", () => {
  expect(longestSpinMs).toBe(1_363);
  for (const latencies of [times(8, 1_300), times(64, 1_363), samples(7, 64, 3_000), times(64, 60_000)]) {
    expect(cheapestSpin(latencies)).toBeLessThanOrEqual(longestSpinMs);
    expect(spinAfter(latencies).ms).toBeLessThanOrEqual(longestSpinMs);
  }
});

test("with fewer than eight waits there is no habit: the hold is as long as it may be", () => {
  expect(new Spin().ms).toBe(longestSpinMs);
  expect(spinAfter(times(7, 30_000)).ms).toBe(longestSpinMs);
  expect(spinAfter(times(8, 30_000)).ms).toBe(0);
});

test("a service that always answers fast is held for as long as it takes, and a little more", () => {
  const { ms } = spinAfter(times(64, 100));
  expect(ms).toBeGreaterThanOrEqual(100);
  expect(ms).toBeLessThanOrEqual(150);
});

test("one slow turn of the loop does not park the wait of a service that answers in no time", () => {
  expect(spinAfter(times(64, 2)).ms).toBe(100);
});

test("a service that always takes long is parked at once", () => {
  expect(spinAfter(times(64, longestSpinMs + 1)).ms).toBe(0);
  expect(spinAfter(times(64, 20_000)).ms).toBe(0);
});

test("where some answers are fast and some slow, the fast ones are held and the slow ones are not for long", () => {
  const { ms } = spinAfter([...times(48, 50), ...times(16, 20_000)]);
  expect(ms).toBeGreaterThanOrEqual(50);
  expect(ms).toBeLessThanOrEqual(100);
});

test("where next to none is fast, holding all for their sake does not pay", () => {
  expect(spinAfter([...times(2, 1_000), ...times(62, 20_000)]).ms).toBe(0);
});

test("the chosen time costs no more for what was seen than parking at once, or holding as long as possible", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const latencies = samples(seed, 8 + (seed % 57), [100, 1_000, 2_000, 5_000][seed % 4] ?? 100);
    const chosen = costOf(cheapestSpin(latencies), latencies);
    expect(chosen).toBeLessThanOrEqual(costOf(0, latencies) + 1e-9);
    expect(chosen).toBeLessThanOrEqual(costOf(longestSpinMs, latencies) + 1e-9);
  }
});

test("a new habit is learnt: what is more than 64 waits ago no longer counts", () => {
  const spin = spinAfter(times(64, 20_000));
  for (const latency of times(64, 40)) spin.record(latency);
  expect(spin.ms).toBe(spinAfter(times(64, 40)).ms);
  for (const latency of times(64, 20_000)) spin.record(latency);
  expect(spin.ms).toBe(0);
});
