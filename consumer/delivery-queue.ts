// Takes replies to their waiters: different waiters in parallel, one waiter in order, a bounded number of
// calls at once. It reports a verdict for every reply it was given, exactly once, and knows nothing of
// offsets.

import { withDeadline } from "../kafka/index.ts";
import type { Delivery, WaiterRpc } from "../durable/index.ts";
import type { DrainVerdict } from "../protocol/index.ts";
import { afterFailure, classifyFailure } from "./redelivery.ts";

export interface QueuedReply {
  readonly delivery: Delivery;
  /** Epoch ms after which the reply is of no use to anybody; `Infinity` where nobody said so. */
  readonly giveUpAt: number;
  /** Called after each call to its waiter that failed and is to be made again; it may be one with earlier replies. */
  readonly pursued?: () => void;
  /** Called once, with the service if the waiter named it. `undeliverable` when the waiter stayed out of reach. */
  readonly settle: (verdict: DrainVerdict, service?: string) => void;
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

/** The replies of one waiter, and how its calls went since the last one that got through. */
interface Lane {
  readonly replies: QueuedReply[];
  /** Those of a call that is under way, or is to be made again. */
  calling: QueuedReply[] | undefined;
  failures: number;
  failingSince: number | undefined;
  lostSince: number | undefined;
}

export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: string[] = [];
  /** Those whose last call failed: they may hang, and have only a part of the calls, so that some are left for others. */
  readonly #again: string[] = [];
  readonly #parallelAgain: number;
  #active = 0;
  #activeAgain = 0;
  /** Epoch ms; of any waiter. */
  #lastDeliveredAt: number | undefined;

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
    this.#parallelAgain = Math.max(1, Math.floor(options.parallel / 2));
  }

  add(waiterId: string, reply: QueuedReply): void {
    const lane = this.#lanes.get(waiterId);
    if (lane !== undefined) {
      lane.replies.push(reply);
      // Its waiter is out of reach before it was its turn.
      if (lane.failures > 0) reply.pursued?.();
      return;
    }
    this.#lanes.set(waiterId, {
      replies: [reply],
      calling: undefined,
      failures: 0,
      failingSince: undefined,
      lostSince: undefined,
    });
    this.#enlist(this.#ready, waiterId);
  }

  /** Starts what may start now. Harmless when nothing may. */
  resume(): void {
    for (;;) {
      const isAgain = this.#ready.length === 0;
      if (isAgain && this.#activeAgain >= this.#parallelAgain) return;
      const from = isAgain ? this.#again : this.#ready;
      if (this.#active >= this.#options.parallel || from.length === 0 || !this.#options.mayCall()) return;
      const waiterId = from.shift();
      if (waiterId === undefined) return;
      this.#active++;
      if (isAgain) this.#activeAgain++;
      void this.#serve(waiterId).finally(() => {
        this.#active--;
        if (isAgain) this.#activeAgain--;
        this.resume();
      });
    }
  }

  async #serve(waiterId: string): Promise<void> {
    const lane = this.#lanes.get(waiterId);
    if (lane === undefined) return;
    const replies = (lane.calling ??= lane.replies.splice(0, maxPerCall));
    const againInMs = await this.#call(waiterId, lane, replies);
    if (againInMs !== undefined) {
      // Others are served meanwhile: many that are out of reach at once must not keep all calls to themselves.
      void this.#options.pause(againInMs).then(() => this.#enlist(this.#again, waiterId));
      return;
    }
    lane.calling = undefined;
    if (lane.replies.length === 0) this.#lanes.delete(waiterId);
    else this.#ready.push(waiterId);
  }

  #enlist(lanes: string[], waiterId: string): void {
    lanes.push(waiterId);
    this.resume();
  }

  /** One call. In how many ms to make it again; undefined when every reply is settled. */
  async #call(waiterId: string, lane: Lane, replies: readonly QueuedReply[]): Promise<number | undefined> {
    const { waiterFor, callTimeoutMs, now, random } = this.#options;
    const deliveries = replies.map((reply) => reply.delivery);
    const lastDeliveredAt = this.#lastDeliveredAt;
    const settled = await withDeadline(
      // A stub that cannot be had at all throws at once; that is a failed call like any other.
      Promise.resolve().then(() => waiterFor(waiterId).deliver(deliveries, { named: true })),
      callTimeoutMs,
    );
    if (settled.status === "done") {
      this.#lastDeliveredAt = now();
      clear(lane);
      replies.forEach((reply, at) => {
        const said = settled.value[at] ?? "undeliverable";
        // A waiter of an earlier deploy knows nothing of names and says the outcome alone.
        if (typeof said === "string") reply.settle(said);
        else reply.settle(said.outcome, said.service);
      });
      return undefined;
    }
    const failure = classifyFailure(settled.status === "failed" ? settled.cause : undefined);
    const failedAt = now();
    lane.failures++;
    const failingSince = (lane.failingSince ??= failedAt);
    if (!failure.overloaded) lane.lostSince ??= failedAt;
    const { failures, lostSince } = lane;
    const giveUpAt = Math.max(...replies.map((reply) => reply.giveUpAt));
    const next = afterFailure(
      failure,
      { failures, failingSince, lostSince },
      { giveUpAt, lastDeliveredAt },
      failedAt,
      random(),
    );
    if (next.next === "retry") {
      // Those behind are held up by the same waiter.
      for (const reply of [...replies, ...lane.replies]) reply.pursued?.();
      return next.inMs;
    }
    clear(lane);
    for (const reply of replies) reply.settle("undeliverable");
    return undefined;
  }
}

/** Something got through, or was given up: what follows starts afresh. */
function clear(lane: Lane): void {
  lane.failures = 0;
  lane.failingSince = undefined;
  lane.lostSince = undefined;
}
