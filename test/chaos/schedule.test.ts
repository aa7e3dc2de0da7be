// What a seed makes of a run: the faults that are to come, and what clients want.

import { expect, test } from "vitest";
import { principals } from "./gateway/services.ts";
import { targets } from "./journal.ts";
import { planCall } from "./planned-call.ts";
import { usual } from "./presets.ts";
import { planFaults, type PlannedFault } from "./schedule.ts";

const first = (count: number, seed: number) =>
  planFaults({ ...usual, seed })
    .take(count)
    .toArray();
const nameOf = ({ target, fault, responders }: PlannedFault) =>
  `${fault} ${target}${responders.length > 1 ? "s" : ""}`;
/** From a part's being started to its being there, as a rule. */
const startMs = 1_500;

test("the same seed plans the same, another one something else", () => {
  expect(first(30, 1)).toEqual(first(30, 1));
  expect(first(30, 1)).not.toEqual(first(30, 2));
  const calls = (seed: number) => Array.from({ length: 30 }, (_, number) => planCall(seed, number));
  expect(calls(1)).toEqual(calls(1));
  expect(calls(1)).not.toEqual(calls(2));
});

test("among the first ten faults every target meets every one, of the responders one alone and both", () => {
  const wanted = ["bridge", "broker", "runtime", "responder", "responders"].flatMap((name) => [
    `kill ${name}`,
    `pause ${name}`,
  ]);
  for (let seed = 1; seed <= 50; seed++) {
    expect(first(10, seed).map(nameOf).toSorted()).toEqual(wanted.toSorted());
  }
});

test.each([1, 2, 3])(
  "with seed %i three minutes have room for twenty faults, within their bounds",
  (seed) => {
    const faults = first(20, seed);
    const total = faults.reduce((sum, { outageMs, breakMs }) => sum + outageMs + breakMs + startMs, 0);
    expect(total).toBeLessThan(180_000);
    for (const { outageMs, breakMs } of first(200, seed)) {
      expect(outageMs).toBeGreaterThanOrEqual(500);
      expect(outageMs).toBeLessThanOrEqual(8_000);
      expect(breakMs).toBeGreaterThanOrEqual(2_000);
      expect(breakMs).toBeLessThanOrEqual(8_000);
    }
  },
);

test("only what is asked for is hit", () => {
  const hit = planFaults({ ...usual, seed: 1, targets: ["bridge"] })
    .take(20)
    .toArray();
  expect(new Set(hit.map(({ target }) => target))).toEqual(new Set(["bridge"]));
  expect(new Set(first(40, 1).map(({ target }) => target))).toEqual(new Set(targets));
});

test("principals use the same key texts, and no principal uses one twice", () => {
  const keyed = Array.from({ length: 2_000 }, (_, number) => planCall(1, number)).filter(
    ({ key }) => key !== undefined,
  );
  const owners = Map.groupBy(keyed, ({ kind, key }) => `${kind} ${key}`);
  const shared = [...owners.values()].filter((calls) => calls.length > 1);
  expect(shared.length).toBeGreaterThan(50);
  for (const calls of shared) {
    expect(new Set(calls.map(({ principal }) => principal)).size).toBe(calls.length);
    expect(calls.length).toBeLessThanOrEqual(principals.length);
  }
});
