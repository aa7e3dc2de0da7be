// The Durable Object that waits for one reply: it holds callers, keeps time and does what
// waiter-state.ts decides. It alone says whether a reply came in time. It never touches Kafka and, for
// plain requests, never touches storage.

import { DurableObject } from "cloudflare:workers";
import type { DeliverOutcome, WaitOutcome } from "../protocol/index.ts";
import { HeldBudget } from "./held-budget.ts";
import * as machine from "./waiter-state.ts";
import type { Delivery, NamedOutcome, Step, WaiterState, WaitSpec } from "./waiter-state.ts";

/**
 * Longest a single call is held. After a deploy a held call lives on in the old instance while replies
 * reach the new one; a caller that comes back this often notices.
 */
export const maxHoldMs = 1_500;

/** Shared by all waiters of this isolate: the memory they share, 128 MB with all else, is what they bound. */
const heldBudget = new HeldBudget(32 * 1024 * 1024);
/** Of its own, so that replies which only might be asked for again never crowd out those that nobody has yet. */
const keptBudget = new HeldBudget(8 * 1024 * 1024);

/** What the gateway and the drain may call. All methods return expected fates; only lost objects throw. */
export interface WaiterRpc {
  wait(spec: WaitSpec, holdMs: number): Promise<WaitOutcome>;
  deliver(
    deliveries: readonly Delivery[],
    options?: { readonly named?: boolean },
  ): Promise<readonly (DeliverOutcome | NamedOutcome)[]>;
  leave(): Promise<void>;
  peek(): Promise<WaiterState["phase"]>;
}

export class Waiter extends DurableObject implements WaiterRpc {
  #state: WaiterState = machine.idle;
  #holds = new Set<(outcome: WaitOutcome) => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Opens the wait, or attaches to it again, for at most `holdMs` (capped at 1.5 s). Answers `waiting` when
   * that time ends before the wait does; call again until it says something else. A second call with
   * another deadline does not move the first one.
   */
  async wait(spec: WaitSpec, holdMs: number): Promise<WaitOutcome> {
    const outcome = this.#take(machine.attach(this.#state, spec, Date.now()));
    if (outcome.status !== "waiting") return outcome;
    return new Promise((resolve) => {
      const end = (ended: WaitOutcome): void => {
        clearTimeout(timer);
        this.#holds.delete(end);
        resolve(ended);
      };
      const timer = setTimeout(() => end({ status: "waiting" }), Math.min(holdMs, maxHoldMs));
      this.#holds.add(end);
    });
  }

  /** One outcome per delivery, in order. Safe to repeat: the same record gets the same answer again. */
  async deliver(deliveries: readonly Delivery[]): Promise<DeliverOutcome[]> {
    return deliveries.map((delivery) =>
      this.#take(
        machine.deliver(this.#state, delivery, Date.now(), {
          attached: this.#holds.size > 0,
          mayHold: heldBudget.hasRoomFor(machine.replyBytes(delivery.reply), Date.now()),
          mayKeep: keptBudget.hasRoomFor(machine.replyBytes(delivery.reply), Date.now()),
        }),
      ),
    );
  }

  /** Ends the wait because nobody is there to answer any more. A second call, or one after the end, is a no-op. */
  async leave(): Promise<void> {
    this.#take(machine.leave(this.#state));
  }

  /** Looks without attaching and changes nothing: for tests and for operators who ask what became of an ID. */
  async peek(): Promise<WaiterState["phase"]> {
    return this.#state.phase;
  }

  #take<Said>({ state, said, release }: Step<Said>): Said {
    if (state !== this.#state) {
      this.#state = state;
      this.#book(state);
    }
    this.#keepTime();
    if (release !== undefined) for (const end of this.#holds) end(release);
    return said;
  }

  #book(state: WaiterState): void {
    const held = state.phase === "held" ? state.deliveries : [];
    const heldBytes = held.reduce((sum, { reply }) => sum + machine.replyBytes(reply), 0);
    heldBudget.book(this, heldBytes, state.phase === "held" ? state.heldUntil : 0);
    const kept = state.phase === "answered" ? state.reply : undefined;
    // No timer ends the keeping: an object that nobody calls leaves memory about as soon as this says.
    keptBudget.book(
      this,
      kept === undefined ? 0 : machine.replyBytes(kept),
      Date.now() + machine.holdReplyMs,
    );
  }

  /** One timer, for whatever expires next: so the wait ends in time even if its Worker is gone. */
  #keepTime(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    const expiresAt = machine.nextExpiry(this.#state);
    this.#timer =
      expiresAt === undefined
        ? undefined
        : setTimeout(() => this.#take(machine.expire(this.#state, Date.now())), expiresAt - Date.now());
  }
}
