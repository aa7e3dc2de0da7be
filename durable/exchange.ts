// A durable exchange and every decision about it: pure functions of (exchange, event, now). It outlives its callers,
// its object and its Worker, so each decision says what is to be stored. Instants are epoch ms; storage, alarms and
// sockets are elsewhere, and so is the plain wait (waiter-state.ts).

import type {
  Attempt,
  AttachOutcome,
  CallbackTarget,
  CancelTarget,
  DeliverOutcome,
  OpenOutcome,
  Refused,
  Reply,
  WaitEnd,
} from "../protocol/index.ts";
import type { Delivery } from "./waiter-state.ts";

/** How long the one who opens an exchange has to say that its record is written, before another may take over. */
export const leaseMs = 3_000;

/**
 * For how long after an attempt began its record may be produced again as the same one. The bridge knows a record again
 * for 60 s from when it first saw it, and who takes over repeats it for 20 s: later it could be written twice.
 */
const sameRecordForMs = 30_000;

/** What a caller wants an exchange to be. Of several callers the first one's terms stand, until they expire. */
export interface Terms {
  readonly service: string;
  /** Who may ask for it; empty for everybody who knows the ID. */
  readonly principal: string;
  readonly replyTopic: string;
  /** Of all that makes two requests the same; another one under the same key is a conflict. */
  readonly fingerprint: string;
  readonly createdAt: number;
  readonly deadlineAt: number;
  /** Until when the exchange and its answer are kept. */
  readonly keepUntil: number;
  /** Absent: the service wants no cancel records. */
  readonly cancelTarget?: CancelTarget;
  /** Absent: its end is told to nobody who does not ask. */
  readonly callback?: CallbackTarget;
}

export type ExchangeEnd =
  /** `late`: after the deadline. `source` tells a redelivery of the same record from another one. */
  | { readonly status: "replied"; readonly source: string; readonly late: boolean }
  | { readonly status: "cancelled" }
  | Refused;

/** As it is stored, but for the reply itself. That it has expired is not stored: the clock says so. */
export interface Exchange extends Terms {
  readonly attempt: number;
  /** The caller who is to produce the record. */
  readonly opener: string;
  /** Until when its word is awaited that the record is written; undefined once it has come. */
  readonly confirmBy: number | undefined;
  /** A record of this exchange may be on its topic, whatever becomes of the next produce. */
  readonly mayBeWritten: boolean;
  readonly end?: ExchangeEnd;
}

/** `reply` is to be stored with the exchange; `release` ends every wait that is attached now. */
export interface ExchangeStep<Said> {
  /** Undefined: nothing is to be kept. The one that came in: nothing is to be written. */
  readonly exchange: Exchange | undefined;
  readonly said: Said;
  readonly reply?: Reply;
  readonly release?: WaitEnd;
}

/** `replied` without the reply, which whoever asked reads from where it is stored. */
export type OpenDecision = Exclude<OpenOutcome, { status: "replied" }> | { readonly status: "replied" };

/**
 * A caller wants the exchange. `opener` names the caller, so that one who asks again because the answer was lost is
 * told the same again. Answers are for ever, until retention ends; an expired or refused attempt is none.
 */
export function open(
  exchange: Exchange | undefined,
  terms: Terms,
  opener: string,
  now: number,
): ExchangeStep<OpenDecision> {
  if (exchange === undefined || now >= exchange.keepUntil) {
    return created(terms, { opener, attempt: terms.createdAt, mayBeWritten: false }, now);
  }
  if (exchange.fingerprint !== terms.fingerprint || exchange.principal !== terms.principal) {
    return { exchange, said: { status: "conflict" } };
  }
  switch (exchange.end?.status) {
    case "replied":
      return { exchange, said: { status: "replied" } };
    case "cancelled":
      return { exchange, said: { status: "cancelled" } };
    case "refused":
      return reopened(exchange, terms, opener, now);
    case undefined:
      break;
  }
  if (now >= exchange.deadlineAt) return reopened(exchange, terms, opener, now);
  const { confirmBy } = exchange;
  if (confirmBy !== undefined && exchange.opener === opener) {
    return { exchange, said: { status: "created", attempt: attemptOf(exchange) } };
  }
  if (confirmBy !== undefined && now >= confirmBy) {
    const attempt = now - exchange.attempt < sameRecordForMs ? exchange.attempt : now;
    const taken = { ...exchange, attempt, opener, confirmBy: now + leaseMs, mayBeWritten: true };
    return { exchange: taken, said: { status: "takeover", attempt: attemptOf(taken) } };
  }
  return { exchange, said: { status: "joined", attempt: attemptOf(exchange), confirmBy } };
}

/** What the one who produces can say for certain. A produce that nobody answered is no word at all. */
export type Produced = { readonly status: "appended" } | Refused;

/**
 * What became of the produce of an attempt. A word about another attempt, or after the end, changes nothing, and so
 * does a refusal after somebody said that the record is written. Says whether the attempt goes on.
 */
export function confirm(
  exchange: Exchange | undefined,
  attempt: number,
  produced: Produced,
): ExchangeStep<"goes-on" | "ended"> {
  if (exchange === undefined || exchange.attempt !== attempt || exchange.end !== undefined) {
    return { exchange, said: "ended" };
  }
  if (exchange.confirmBy === undefined) return { exchange, said: "goes-on" };
  if (produced.status === "appended") {
    return { exchange: { ...withoutLease(exchange), mayBeWritten: true }, said: "goes-on" };
  }
  // Where no record can exist nothing can come: the next caller begins anew.
  const kept = exchange.mayBeWritten ? { ...withoutLease(exchange), end: produced } : undefined;
  return { exchange: kept, said: "ended", release: produced };
}

/** A reply arrives. What is accepted or late is kept until retention; the same record again gets the same word. */
export function deliver(
  exchange: Exchange,
  { source, topic, reply }: Delivery,
  now: number,
): ExchangeStep<DeliverOutcome> {
  if (topic !== exchange.replyTopic) return { exchange, said: "foreign" };
  const { end } = exchange;
  if (end?.status === "replied") {
    if (end.source !== source) return { exchange, said: "duplicate" };
    return { exchange, said: end.late ? "late" : "accepted" };
  }
  if (end?.status === "cancelled" || now >= exchange.keepUntil) return { exchange, said: "late" };
  const late = end !== undefined || now >= exchange.deadlineAt;
  return {
    exchange: { ...withoutLease(exchange), end: { status: "replied", source, late } },
    said: late ? "late" : "accepted",
    reply,
    release: { status: "replied", reply, service: exchange.service },
  };
}

/** What somebody is told who comes for the answer. `replied` without the reply, as in `open`. */
export function look(
  exchange: Exchange | undefined,
  principal: string,
  now: number,
): Exclude<AttachOutcome, { status: "replied" }> | { readonly status: "replied" } {
  if (exchange === undefined || now >= exchange.keepUntil) return { status: "gone" };
  if (!mayAsk(exchange, principal)) return { status: "forbidden" };
  const { end, createdAt, deadlineAt } = exchange;
  if (end !== undefined) return end.status === "replied" ? { status: "replied" } : end;
  if (now >= deadlineAt) return { status: "expired", deadlineAt };
  return { status: "waiting", createdAt, deadlineAt };
}

/** Somebody takes the request back. A second time is answered like the first one. */
export function cancel(
  exchange: Exchange | undefined,
  principal: string,
  now: number,
): ExchangeStep<"cancelled" | "answered" | "gone" | "forbidden"> {
  if (exchange === undefined || now >= exchange.keepUntil) return { exchange, said: "gone" };
  if (!mayAsk(exchange, principal)) return { exchange, said: "forbidden" };
  if (exchange.end?.status === "replied") return { exchange, said: "answered" };
  if (exchange.end?.status === "cancelled") return { exchange, said: "cancelled" };
  return {
    exchange: { ...withoutLease(exchange), end: { status: "cancelled" } },
    said: "cancelled",
    release: { status: "cancelled" },
  };
}

/** When those who wait are to be told that it has expired; undefined when they never are. */
export function nextExpiry(exchange: Exchange | undefined): number | undefined {
  return exchange?.end === undefined ? exchange?.deadlineAt : undefined;
}

export function attemptOf({ attempt, createdAt, deadlineAt, keepUntil }: Exchange): Attempt {
  return { attempt, createdAt, deadlineAt, keepUntil };
}

/** What was opened by nobody in particular belongs to whoever knows its ID, also to somebody who has a name. */
function mayAsk(exchange: Exchange, principal: string): boolean {
  return exchange.principal === "" || exchange.principal === principal;
}

function created(
  terms: Terms,
  more: Pick<Exchange, "attempt" | "opener" | "mayBeWritten">,
  now: number,
): ExchangeStep<OpenDecision> {
  const exchange: Exchange = { ...terms, ...more, confirmBy: now + leaseMs };
  return { exchange, said: { status: "created", attempt: attemptOf(exchange) } };
}

/**
 * The next attempt under the same ID. Attempts are named by the instant they begin, so that one in a later life of the
 * key is never taken for a repeat of an earlier one. Who still waits for the one before may have a deadline that is
 * over, and an alarm that is late.
 */
function reopened(before: Exchange, terms: Terms, opener: string, now: number): ExchangeStep<OpenDecision> {
  const attempt = Math.max(terms.createdAt, before.attempt + 1);
  return {
    ...created(terms, { opener, attempt, mayBeWritten: true }, now),
    ...(before.end === undefined
      ? { release: { status: "expired", deadlineAt: before.deadlineAt } as const }
      : {}),
  };
}

function withoutLease(exchange: Exchange): Exchange {
  return { ...exchange, confirmBy: undefined };
}
