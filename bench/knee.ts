// The ramp that finds a contender's knee, the highest rate that it holds: which rate is next, and when it is found. Pure;
// the loads are applied elsewhere.

import { decodeHistogram, percentileMs } from "./load/histogram.ts";
import type { Measurement } from "./raw.ts";

/** One load of the ramp, the repeat of one that failed included. */
export interface Step {
  readonly perSecond: number;
  readonly held: boolean;
}

export type NextStep =
  /** `isRepeat`: the same rate as before, which failed once. */
  | { readonly perSecond: number; readonly isRepeat: boolean }
  /** Requests per second; 0 where not even the lowest rate was held. */
  | { readonly knee: number };

/** Above it, waiting in queues is most of a latency: what users would call slow. */
export const kneeP99Ms = 100;
const firstPerSecond = 200;
const factor = 1.5;
/** Between the last rate that held and the first that did not, which lie a half apart: an eighth is left of it. */
const bisections = 2;

/** Up until a rate has failed twice, then between it and the one below; all rates are multiples of 5. */
export function nextStep(steps: readonly Step[]): NextStep {
  const last = steps.at(-1);
  if (last === undefined) return { perSecond: firstPerSecond, isRepeat: false };
  if (!last.held && steps.at(-2)?.perSecond !== last.perSecond) {
    return { perSecond: last.perSecond, isRepeat: true };
  }
  const knee = kneeOf(steps);
  const rates = [...new Set(steps.map(({ perSecond }) => perSecond))];
  const highest = Math.max(...rates);
  if (highest === knee) return { perSecond: roundRate(knee * factor), isRepeat: false };
  // The highest was the last one on the way up.
  const bisected = rates.length - 1 - rates.indexOf(highest);
  const tooFast = Math.min(...rates.filter((rate) => rate > knee));
  const between = roundRate((knee + tooFast) / 2);
  if (bisected === bisections || between <= knee || between >= tooFast) return { knee };
  return { perSecond: between, isRepeat: false };
}

/** The highest rate that was held, at once or when it was repeated; 0 without one. */
export function kneeOf(steps: readonly Step[]): number {
  return Math.max(0, ...steps.filter(({ held }) => held).map(({ perSecond }) => perSecond));
}

/** Whether it was held: answered in time, and nothing but right answers. */
export function stepOf({ perSecond, fates, latency }: Measurement): Step {
  const isRight = (fates["right"] ?? 0) > 0 && Object.keys(fates).every((fate) => fate === "right");
  return { perSecond, held: isRight && percentileMs(decodeHistogram(latency), 99) < kneeP99Ms };
}

function roundRate(perSecond: number): number {
  return Math.round(perSecond / 5) * 5;
}
