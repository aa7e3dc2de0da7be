// How waits end when the shipped rule says how long to hold (worker/exchange/spin.ts): the rule itself is run over waits
// drawn from a distribution. The same at each run.

import { Spin } from "../../worker/exchange/spin.ts";
import { hibernatesAfterSeconds } from "./counts.ts";

export interface Waits {
  readonly meanSeconds: number;
  /** Standard deviation over mean, of a log-normal distribution; 0: all are the same. */
  readonly spread: number;
  /** Longer waits end here. */
  readonly longestSeconds: number;
  /** Waits of one service that an isolate sees in its life. Each isolate learns anew. */
  readonly perIsolate: number;
}

/** Shares and means over all waits. */
export interface Spun {
  readonly held: number;
  readonly parked: number;
  readonly hibernated: number;
  /** Held without the reply, and parked then. */
  readonly heldInVain: number;
  /** Of a wait, with those in vain. */
  readonly heldSeconds: number;
  /** That a parked object is idle in memory before its reply or hibernation; 0 for a wait that is not parked. */
  readonly idleSeconds: number;
  /** Waits during which the drain may be asked again: they outlast a hold, or the first socket's 1.5 s. */
  readonly long: number;
  /** Of a wait. */
  readonly meanSeconds: number;
}

/** How long to hold, after what was learnt; `shipped` learns, the other two do not. */
export type HoldRule = "shipped" | "always" | "never";

const isolates = 5;
/** What a parked Worker does not yet ask the drain again within (worker/exchange/wait.ts). */
const asksAgainAfterSeconds = 1.5;

export function spin(rule: HoldRule, { meanSeconds, spread, longestSeconds, perIsolate }: Waits): Spun {
  const draw = logNormal(meanSeconds, spread);
  const sums = { held: 0, parked: 0, hibernated: 0, heldInVain: 0, heldSeconds: 0, idleSeconds: 0, long: 0 };
  let waited = 0;
  for (let isolate = 0; isolate < isolates; isolate++) {
    const learnt = new Spin();
    for (let at = 0; at < perIsolate; at++) {
      const seconds = Math.min(draw(), longestSeconds);
      const holdSeconds = { shipped: learnt.ms / 1_000, always: Infinity, never: 0 }[rule];
      if (rule === "shipped") learnt.record(seconds * 1_000);
      waited += seconds;
      sums.heldSeconds += Math.min(seconds, holdSeconds);
      if (seconds <= holdSeconds) {
        sums.held++;
        continue;
      }
      const parkedSeconds = seconds - holdSeconds;
      if (holdSeconds > 0) sums.heldInVain++;
      if (holdSeconds > 0 || parkedSeconds >= asksAgainAfterSeconds) sums.long++;
      sums[parkedSeconds > hibernatesAfterSeconds ? "hibernated" : "parked"]++;
      sums.idleSeconds += Math.min(parkedSeconds, hibernatesAfterSeconds);
    }
  }
  const count = isolates * perIsolate;
  const means = Object.fromEntries(Object.entries(sums).map(([what, sum]) => [what, sum / count]));
  return { ...(means as typeof sums), meanSeconds: waited / count };
}

/** Draws in the same order at each run. */
export function logNormal(mean: number, spread: number): () => number {
  const variance = Math.log(1 + spread ** 2);
  const location = Math.log(mean) - variance / 2;
  let state = 1;
  const uniform = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  // Box and Muller.
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return () => Math.exp(location + Math.sqrt(variance) * normal());
}
