// The callback of a durable exchange and every decision about it: pure functions of (callback, exchange, event, now).
// What is told, when it is tried, and when it is over. Instants are epoch ms; sending is in callback-sender.ts, storage
// and the alarm are elsewhere.

import type { CallbackFate } from "../protocol/index.ts";
import type { Exchange, ExchangeEnd } from "./exchange.ts";

export type CallbackOutcome = ExchangeEnd["status"] | "expired";

/** One end of an exchange, and how far the telling of it has come. As it is stored. */
export interface Callback {
  /** `webhook-id`: the same for every attempt to tell this end, and for no other end. */
  readonly id: string;
  readonly outcome: CallbackOutcome;
  /** When it ended. */
  readonly at: number;
  /** `trying`: an attempt is under way, or was when the object died. */
  readonly status: "pending" | "trying" | "delivered" | "given-up";
  /** Begun so far; they are stored before they begin. */
  readonly attempts: number;
  /** While it is pending: of the next attempt. While it is tried: when nothing more can come of this one. */
  readonly nextAt?: number;
  readonly last?: string;
}

/** What became of an attempt. `unsigned`: there is no secret to sign with. */
export type AttemptResult =
  | { readonly status: "answered"; readonly code: number; readonly retryAfterMs?: number }
  | { readonly status: "failed"; readonly why: "timeout" | "unreachable" | "unsigned" };

/** For one attempt: the object is billed for as long as it is under way. */
export const attemptTimeoutMs = 10_000;
/** Over the timeout, for signing and writing. */
const lostAfterMs = attemptTimeoutMs + 5_000;

/** After each failed attempt; the last pause is that of all to come. A receiver that restarts is met soon, a dead one seldom. */
const pausesMs = [1, 5, 30, 120, 600, 3_600, 10_800, 21_600].map((seconds) => seconds * 1_000);
/** By how much a pause is shortened at random, so that all who met one outage do not come back at once. */
const jitterShare = 0.25;
/** Longest wish of a receiver that is followed. */
const longestRetryAfterMs = 3_600_000;
/** Until there is room in the isolate again. */
const noRoomPauseMs = 1_000;

/** The end that is to be told, and from when on it is one; undefined where nobody asked. */
function endOf(
  exchange: Exchange,
): { readonly id: string; readonly outcome: CallbackOutcome; readonly from: number } | undefined {
  const { callback, attempt, end, createdAt, deadlineAt } = exchange;
  if (callback === undefined) return undefined;
  const outcome = end?.status ?? "expired";
  // Each attempt of an exchange has a larger number, in a later life of its key too. No full stop: it is what is signed.
  const id = `${callback.correlationId}_${attempt}_${outcome}`;
  return { id, outcome, from: end === undefined ? deadlineAt : createdAt };
}

/**
 * What is to be told now. An end takes the place of one that was not told yet, and so does an attempt that was opened
 * anew: the expiry of the one before is no end any more. The one that came in: nothing has changed.
 */
export function follow(
  callback: Callback | undefined,
  exchange: Exchange,
  now: number,
): Callback | undefined {
  const end = endOf(exchange);
  if (end === undefined || now < end.from) return undefined;
  if (callback?.id === end.id) return callback;
  const { id, outcome } = end;
  const at = outcome === "expired" ? exchange.deadlineAt : now;
  return { id, outcome, at, status: "pending", attempts: 0, nextAt: now };
}

/** The attempt that is due; undefined when none is. One that was under way when its object died is one more. */
export function begin(callback: Callback, exchange: Exchange, now: number): Callback | undefined {
  if (callback.nextAt === undefined || now < callback.nextAt || now >= exchange.keepUntil) return undefined;
  return {
    ...callback,
    status: "trying",
    attempts: callback.attempts + 1,
    nextAt: now + lostAfterMs,
    ...(callback.status === "trying" ? { last: "lost" } : {}),
  };
}

/** There is no room in the isolate for what is due. `random`: 0 to 1. */
export function postpone(callback: Callback, now: number, random: number): Callback {
  return { ...callback, status: "pending", nextAt: now + Math.ceil(noRoomPauseMs * (1 + random)) };
}

/** What an attempt has come to. `random`: 0 to 1. */
export function settle(
  callback: Callback,
  exchange: Exchange,
  result: AttemptResult,
  now: number,
  random: number,
): Callback {
  const { id, outcome, at, attempts } = callback;
  const tried = {
    id,
    outcome,
    at,
    attempts,
    last: result.status === "answered" ? String(result.code) : result.why,
  };
  const code = result.status === "answered" ? result.code : undefined;
  if (code !== undefined && code >= 200 && code < 300) return { ...tried, status: "delivered" };
  // By the specification: the receiver wants no more of these.
  if (code === 410) return { ...tried, status: "given-up" };
  const pauseMs = (pausesMs[attempts - 1] ?? pausesMs.at(-1) ?? 0) * (1 - jitterShare * random);
  const wishMs = result.status === "answered" ? (result.retryAfterMs ?? 0) : 0;
  const nextAt = now + Math.ceil(Math.max(pauseMs, Math.min(wishMs, longestRetryAfterMs)));
  if (nextAt >= exchange.keepUntil) return { ...tried, status: "given-up" };
  return { ...tried, status: "pending", nextAt };
}

/** When there is next something to do; undefined when never. */
export function nextCallbackAt(callback: Callback | undefined, exchange: Exchange): number | undefined {
  const end = endOf(exchange);
  if (end === undefined) return undefined;
  return callback?.id === end.id ? callback.nextAt : end.from;
}

/** What is said of it to those who ask; undefined where nobody asked for a callback. */
export function fateOf(callback: Callback | undefined, exchange: Exchange): CallbackFate | undefined {
  if (exchange.callback === undefined) return undefined;
  // Of an earlier end: this one is not being told yet.
  if (callback === undefined || callback.id !== endOf(exchange)?.id) {
    return { status: exchange.end === undefined ? "waiting" : "pending", attempts: 0 };
  }
  const { status, attempts, last, nextAt } = callback;
  return {
    status: status === "trying" ? "pending" : status,
    attempts,
    ...(last === undefined ? {} : { last }),
    ...(status !== "pending" || nextAt === undefined ? {} : { nextAt }),
  };
}
