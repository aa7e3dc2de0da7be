// How often parked waits see to it that the drain reads.

import { expect, test } from "vitest";
import { lookAfterMs, ParkedWaits } from "../../worker/exchange/parked-waits.ts";

const shares = Array.from({ length: 1_000 }, (_, at) => (at + 0.5) / 1_000);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test("one that waits alone looks every 1.5 s", () => {
  expect(new Set(shares.map((share) => lookAfterMs(1, share)))).toEqual(new Set([1_500]));
});

test("ten thousand look about twice a second together, however many were parked at one moment", () => {
  const times = shares.map((share) => lookAfterMs(10_000, share));
  expect(10_000 / (mean(times) / 1_000)).toBeGreaterThan(1.9);
  expect(10_000 / (mean(times) / 1_000)).toBeLessThan(2.3);
  // From the first second on, not only when the mean of them is over.
  expect(times.filter((ms) => ms <= 5_000).length).toBeGreaterThan(0);
});

test("a wait that has ended counts no more", () => {
  const waits = new ParkedWaits();
  const leave = Array.from({ length: 100 }, () => waits.enter());
  expect(waits.lookAfterMs(0.9)).toBe(lookAfterMs(100, 0.9));
  for (const each of leave) each();
  expect(waits.lookAfterMs(0.9)).toBe(lookAfterMs(0, 0.9));
});
