// What is killed and what is stopped in a run, in which order and for how long: a function of the seed. Who does it is
// faults.ts.

import { targets, type FaultLine, type Target } from "./journal.ts";
import { randomOf } from "./random.ts";

export interface PlannedFault {
  readonly target: Target;
  readonly fault: FaultLine["fault"];
  /** Of a responder: which of them, by number. */
  readonly responders: readonly number[];
  /** From the kill to the start, or from the stop to the continuation. The runtime is started again at once. */
  readonly outageMs: number;
  /** From the one before being back to this one. */
  readonly breakMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly targets?: readonly Target[];
  /** Of ms: the shortest and the longest. */
  readonly outagesMs: readonly [min: number, max: number];
  readonly breaksMs: readonly [min: number, max: number];
}

/** As many as there are asked for. Among the first ten each target meets each fault, among the next ten again, and so on. */
export function* planFaults(options: ScheduleOptions): Generator<PlannedFault, never> {
  const random = randomOf(options.seed, "faults");
  const [shortest, longest] = options.outagesMs;
  const [shortestBreak, longestBreak] = options.breaksMs;
  const deck = deckOf(options.targets ?? targets);
  for (;;) {
    for (const { target, fault, both } of random.shuffled(deck)) {
      const one = random.pick([0, 1]);
      yield {
        target,
        fault,
        responders: target === "responder" ? (both ? [0, 1] : [one]) : [],
        // More short ones than long ones, so that there are many.
        outageMs: Math.round(shortest + random.next() ** 2 * (longest - shortest)),
        breakMs: Math.round(shortestBreak + random.next() ** 3 * (longestBreak - shortestBreak)),
      };
    }
  }
}

/** Of the responders, one alone and both together. */
function deckOf(of: readonly Target[]) {
  const faults = ["kill", "pause"] as const;
  return of.flatMap((target) =>
    faults.flatMap((fault) =>
      (target === "responder" ? [false, true] : [false]).map((both) => ({ target, fault, both })),
    ),
  );
}
