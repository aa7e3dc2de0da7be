// Takes replies to their waiters: different waiters in parallel, one waiter in order, a bounded number of
// calls at once. It reports a verdict for every reply it was given, exactly once, and knows nothing of
// offsets.

import { withDeadline } from "../kafka/index.ts";
import type { Delivery, WaiterRpc } from "../durable/index.ts";
import type { DrainVerdict } from "../protocol/index.ts";
import { afterFailure, classifyFailure } from "./redelivery.ts";

export interface QueuedReply {
  readonly delivery: Delivery;
  /** Epoch ms after which the reply is of no use to anybody. */
  readonly giveUpAt: number;
  /** Called once. `undeliverable` when the waiter stayed out of reach. */
  readonly settle: (verdict: DrainVerdict) => void;
}

export interface DeliveryQueueOptions {
  /** A new stub at each call: after an exception the old one stays broken. */
  readonly waiterFor: (waiterId: string) => Pick<WaiterRpc, "deliver">;
  /** Asked before each call; false pauses the queue until `resume`. */
  readonly mayCall: () => boolean;
  /** Calls at once. */
  readonly parallel: number;
  readonly callTimeoutMs: number;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly random: () => number;
}

/** Deliveries in one call: an RPC argument may have 32 MiB, and a fetch answer has at most 4 MiB. */
const maxPerCall = 64;

export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  readonly #lanes = new Map<string, QueuedReply[]>();
  readonly #ready: string[] = [];
  #active = 0;

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
  }

  add(waiterId: string, reply: QueuedReply): void {
    const lane = this.#lanes.get(waiterId);
    if (lane !== undefined) {
      lane.push(reply);
      return;
    }
    this.#lanes.set(waiterId, [reply]);
    this.#ready.push(waiterId);
    this.resume();
  }

  /** Starts what may start now. Harmless when nothing may. */
  resume(): void {
    while (this.#active < this.#options.parallel && this.#ready.length > 0 && this.#options.mayCall()) {
      const waiterId = this.#ready.shift();
      if (waiterId === undefined) return;
      this.#active++;
      void this.#serve(waiterId).finally(() => {
        this.#active--;
        this.resume();
      });
    }
  }

  async #serve(waiterId: string): Promise<void> {
    const lane = this.#lanes.get(waiterId) ?? [];
    await this.#deliver(waiterId, lane.splice(0, maxPerCall));
    if (lane.length === 0) this.#lanes.delete(waiterId);
    else this.#ready.push(waiterId);
  }

  async #deliver(waiterId: string, replies: readonly QueuedReply[]): Promise<void> {
    const { waiterFor, callTimeoutMs, now, pause, random } = this.#options;
    const giveUpAt = Math.max(...replies.map((reply) => reply.giveUpAt));
    const deliveries = replies.map((reply) => reply.delivery);
    for (let failures = 1, tries = 1; ; failures++) {
      const settled = await withDeadline(
        // A stub that cannot be had at all throws at once; that is a failed call like any other.
        Promise.resolve().then(() => waiterFor(waiterId).deliver(deliveries)),
        callTimeoutMs,
      );
      if (settled.status === "done") {
        replies.forEach((reply, at) => reply.settle(settled.value[at] ?? "undeliverable"));
        return;
      }
      const failure = classifyFailure(settled.status === "failed" ? settled.cause : undefined);
      const next = afterFailure(failure, { failures, tries }, giveUpAt, now(), random());
      if (next.next === "give-up") {
        for (const reply of replies) reply.settle("undeliverable");
        return;
      }
      if (!failure.overloaded) tries++;
      await pause(next.inMs);
    }
  }
}
