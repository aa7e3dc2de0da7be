// How much one invocation of the drain may still do before the platform would stop it. Counting only.

import type { SubrequestLimits } from "./assignment.ts";

/** A run hands over to the next one after about this long: well below the 15 min wall time of an alarm. */
const runMs = 60_000;

/** What one round of the run may take: three calls to place partitions, and the poll behind them. */
const reserve = 4;

export class RunBudget {
  readonly #endsAt: number;
  #external: number;
  #internal: number;

  /** `startedAt` in epoch ms. */
  constructor(limits: SubrequestLimits, startedAt: number) {
    this.#endsAt = startedAt + runMs;
    this.#external = limits.external;
    this.#internal = limits.internal;
  }

  /** Whether the run should end: time is up, or the next Kafka call or delivery might not be allowed. */
  isSpent(now: number): boolean {
    return now >= this.#endsAt || this.#external < reserve || this.#internal < 1;
  }

  /** Before each Kafka call. */
  spendKafkaCall(): void {
    this.#external--;
  }

  /** False when no delivery is left; the delivery belongs to the next run then. */
  takeDelivery(): boolean {
    if (this.#internal < 1) return false;
    this.#internal--;
    return true;
  }
}
