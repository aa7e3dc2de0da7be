// What a waiter knows of a plain request and decides about it: pure functions of (state, event, now). No storage, no
// timers, no RPC; durable/waiter.ts does those. Instants are epoch ms. The state lives in memory only: a plain request
// is worth nothing once its client is gone, so one that is answered in time writes nothing. What is kept is in
// exchange.ts.

import type { DeliverOutcome, Reply, WaitEnd, WaitOutcome } from "../protocol/index.ts";

/** What a wait is for. Set once: of several waits on one exchange the first one's deadline stands. */
export interface WaitSpec {
  readonly deadlineAt: number;
  /** Replies from any other topic are `foreign`. */
  readonly replyTopic: string;
  /** Whose replies these are, for the ledger. Absent from gateways of before it was asked for. */
  readonly service?: string;
}

/** A reply as the drain hands it over. `source` names the record, so that a redelivery is told from a repeat. */
export interface Delivery {
  readonly source: string;
  readonly topic: string;
  readonly reply: Reply;
}

/** What became of a delivery, and of which service it was, if the waiter can tell. */
export interface NamedOutcome {
  readonly outcome: DeliverOutcome;
  readonly service?: string;
}

export type WaiterState =
  /** Nobody has asked yet, or all is forgotten. */
  | { readonly phase: "idle" }
  /** The wait is on, even in the moment between two holds. */
  | { readonly phase: "open"; readonly spec: WaitSpec }
  /**
   * Replies came while nobody was attached; they are kept for a short while. Before the first caller there may
   * be one from each topic, since only the caller knows which topic is the right one.
   */
  | {
      readonly phase: "held";
      readonly deliveries: readonly Delivery[];
      readonly heldUntil: number;
      readonly spec: WaitSpec | undefined;
    }
  /** The reply was handed to a caller. It is kept, where there is room, for a caller that lost it on the way. */
  | {
      readonly phase: "answered";
      readonly source: string;
      readonly spec: WaitSpec;
      readonly reply: Reply | undefined;
    }
  /** The deadline passed or the client left. */
  | { readonly phase: "ended"; readonly spec: WaitSpec };

export const idle: WaiterState = { phase: "idle" };

/**
 * How long a reply that finds nobody attached is kept. An idle object is dropped from memory after 10 s,
 * so a longer promise could not be kept without storage.
 */
export const holdReplyMs = 10_000;

/** `release` ends every hold that is attached at this moment. */
export interface Step<Said> {
  readonly state: WaiterState;
  readonly said: Said;
  readonly release?: WaitEnd;
}

/** A caller attaches, for the first time or again. `waiting` in `said` means: it may be held. */
export function attach(state: WaiterState, spec: WaitSpec, now: number): Step<WaitOutcome> {
  switch (state.phase) {
    case "idle":
      return opened(spec, now);
    case "open":
      return opened(state.spec, now);
    case "held": {
      const first = state.spec ?? spec;
      const delivery = state.deliveries.find(({ topic }) => topic === first.replyTopic);
      if (delivery === undefined) return opened(first, now);
      if (now >= first.deadlineAt) return ended(first);
      const { source, reply } = delivery;
      return {
        state: { phase: "answered", source, spec: first, reply },
        said: { status: "replied", reply },
      };
    }
    case "answered": {
      const { reply } = state;
      const { deadlineAt } = state.spec;
      if (reply === undefined || now >= deadlineAt) return { state, said: { status: "expired", deadlineAt } };
      return { state, said: { status: "replied", reply } };
    }
    case "ended":
      return { state, said: { status: "expired", deadlineAt: state.spec.deadlineAt } };
  }
}

/** A reply arrives. `attached`: somebody is held now. The other two: the isolate's byte budgets have room for it. */
export function deliver(
  state: WaiterState,
  delivery: Delivery,
  now: number,
  {
    attached,
    mayHold,
    mayKeep,
  }: { readonly attached: boolean; readonly mayHold: boolean; readonly mayKeep: boolean },
): Step<DeliverOutcome> {
  switch (state.phase) {
    case "idle":
      return mayHold ? { state: held([delivery], undefined, now), said: "held" } : { state, said: "late" };
    case "open": {
      const { spec } = state;
      if (delivery.topic !== spec.replyTopic) return { state, said: "foreign" };
      if (now >= spec.deadlineAt) return { ...expire(state, now), said: "late" };
      if (attached) {
        return {
          state: {
            phase: "answered",
            source: delivery.source,
            spec,
            reply: mayKeep ? delivery.reply : undefined,
          },
          said: "accepted",
          release: { status: "replied", reply: delivery.reply },
        };
      }
      return mayHold ? { state: held([delivery], spec, now), said: "held" } : { state, said: "late" };
    }
    case "held": {
      if (state.spec !== undefined && delivery.topic !== state.spec.replyTopic)
        return { state, said: "foreign" };
      const first = state.deliveries.find(({ topic }) => topic === delivery.topic);
      if (first !== undefined)
        return { state, said: delivery.source === first.source ? "held" : "duplicate" };
      if (!mayHold) return { state, said: "late" };
      return { state: { ...state, deliveries: [...state.deliveries, delivery] }, said: "held" };
    }
    case "answered":
      if (delivery.topic !== state.spec.replyTopic) return { state, said: "foreign" };
      return { state, said: delivery.source === state.source ? "accepted" : "duplicate" };
    case "ended":
      return { state, said: "late" };
  }
}

/** Time passed. Ends the wait at its deadline and forgets a reply that nobody claimed; else changes nothing. */
export function expire(state: WaiterState, now: number): Step<undefined> {
  if (state.phase === "open" && now >= state.spec.deadlineAt) {
    const { spec } = state;
    return {
      state: { phase: "ended", spec },
      said: undefined,
      release: { status: "expired", deadlineAt: spec.deadlineAt },
    };
  }
  if (state.phase === "held" && now >= state.heldUntil) {
    const { spec } = state;
    return {
      state: spec === undefined ? idle : { phase: "ended", spec },
      said: undefined,
    };
  }
  return { state, said: undefined };
}

/** The client left, or its request was never written: whatever comes now is late. */
export function leave(state: WaiterState): Step<undefined> {
  const spec = state.phase === "open" || state.phase === "held" ? state.spec : undefined;
  if (spec === undefined) return { state, said: undefined };
  return {
    state: { phase: "ended", spec },
    said: undefined,
    release: { status: "cancelled" },
  };
}

/** When `expire` next has something to do; undefined when never. */
export function nextExpiry(state: WaiterState): number | undefined {
  if (state.phase === "open") return state.spec.deadlineAt;
  if (state.phase === "held") return state.heldUntil;
  return undefined;
}

/** The service whose request this is about, as far as the state tells. */
export function serviceOf(state: WaiterState): string | undefined {
  return "spec" in state ? state.spec?.service : undefined;
}

// An empty reply is not free: its strings and the object around it count too.
const replyOverheadBytes = 512;

export function replyBytes(reply: Reply): number {
  return reply.body.byteLength + replyOverheadBytes;
}

function opened(spec: WaitSpec, now: number): Step<WaitOutcome> {
  if (now >= spec.deadlineAt) return ended(spec);
  return { state: { phase: "open", spec }, said: { status: "waiting" } };
}

function ended(spec: WaitSpec): Step<WaitOutcome> {
  return { state: { phase: "ended", spec }, said: { status: "expired", deadlineAt: spec.deadlineAt } };
}

function held(deliveries: readonly Delivery[], spec: WaitSpec | undefined, now: number): WaiterState {
  const heldUntil = Math.min(now + holdReplyMs, spec?.deadlineAt ?? Infinity);
  return { phase: "held", deliveries, heldUntil, spec };
}
