// What can become of a wait, a delivery and a produce. Every fate has a name; expected fates are
// returned as these unions and never thrown across Durable Object RPC.

import type { RefusalReason } from "./kafka-rest.ts";
import type { Reply } from "./reply.ts";

/** The record was certainly not written. `tooLarge`: its topic takes none of this size, now or later. Seconds. */
export interface Refused {
  readonly status: "refused";
  readonly retryAfter: number;
  readonly tooLarge?: boolean;
}

/** `service`: by its name in the gateway's config, where a durable exchange knows it; objects of earlier versions do not say. */
export interface Replied {
  readonly status: "replied";
  readonly reply: Reply;
  readonly service?: string;
}

/** What a caller of the waiter is told. `waiting` ends a hold, not the wait: attach again. */
export type WaitOutcome =
  | Replied
  | { readonly status: "expired"; readonly deadlineAt: number }
  | { readonly status: "cancelled" }
  | Refused
  | { readonly status: "waiting" };

/** How a wait ends. */
export type WaitEnd = Exclude<WaitOutcome, { status: "waiting" }>;

/**
 * What somebody is told who comes to a durable exchange by its ID. `gone`: nothing is kept under it (any more).
 * `forbidden`: it is another principal's. While it waits, `deadlineAt` and `createdAt` are those of its attempt.
 * `callback`: where the exchange has one.
 */
export type AttachOutcome = (
  | WaitEnd
  | { readonly status: "waiting"; readonly createdAt: number; readonly deadlineAt: number }
  | { readonly status: "gone" }
  | { readonly status: "forbidden" }
) & { readonly callback?: CallbackFate };

/** Where the end of a durable exchange is to be told, and what that takes. */
export interface CallbackTarget {
  /** Was checked: the waiter calls it as it is. */
  readonly url: string;
  /** Name of the Worker secret that signs. */
  readonly secret: string;
  /** As the caller knows it; the waiter's own ID may be another. */
  readonly correlationId: string;
  /** Whether the reply may travel along. */
  readonly withReply: boolean;
}

/**
 * How far a callback has come. `waiting`: the exchange has not ended. `pending`: its end is told until the receiver
 * takes it. `given-up`: the receiver does not want it, or there is no time left.
 */
export interface CallbackFate {
  readonly status: "waiting" | "pending" | "delivered" | "given-up";
  /** How many were begun. */
  readonly attempts: number;
  /** What became of the last one: the receiver's status in digits, or a word. */
  readonly last?: string;
  /** Epoch ms of the next one; absent while one is under way. */
  readonly nextAt?: number;
}

/** Where a durable exchange is asked for by its ID. */
export function locationOf(correlationId: string): string {
  return `/requests/${correlationId}`;
}

/** One attempt to have a durable exchange answered: what its record says. Instants are epoch ms. */
export interface Attempt {
  /** Names the attempt in `X-Produce-ID`; larger than that of every attempt before it that may have a record. */
  readonly attempt: number;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly keepUntil: number;
}

/**
 * What a caller is told who opens a durable exchange. `created`: produce the record. `takeover`: the one who was to
 * produce it never said that it did; produce that of this attempt, which is the same one unless much time has passed.
 * `joined`: somebody else does or did; `confirmBy` is the instant after which to open again, should that not be known
 * by then. `conflict`: the key was used for another request.
 */
export type OpenOutcome =
  | { readonly status: "created" | "takeover"; readonly attempt: Attempt }
  | { readonly status: "joined"; readonly attempt: Attempt; readonly confirmBy: number | undefined }
  | Replied
  | { readonly status: "cancelled" }
  | { readonly status: "conflict" };

/**
 * What becomes of an attempt to cancel. `answered`: too late. Where the service wants cancel records, `record` says
 * what one needs.
 */
export type CancelOutcome =
  | { readonly status: "cancelled"; readonly record?: CancelTarget & Attempt }
  | { readonly status: "answered" }
  | { readonly status: "gone" }
  | { readonly status: "forbidden" };

/** Where the request went that a cancel record takes back. */
export interface CancelTarget {
  readonly topic: string;
  readonly key: string;
}

/** Said by the waiter of each reply. `foreign`: not from the reply topic it was opened for. */
export const deliverOutcomes = ["accepted", "held", "late", "duplicate", "foreign"] as const;
export type DeliverOutcome = (typeof deliverOutcomes)[number];

/**
 * What the drain counts for each reply it read: the waiter's word, or its own.
 * `unknown`: an ID this namespace cannot have minted · `malformed`: an unreadable record ·
 * `undeliverable`: the waiter stayed out of reach.
 */
export const drainVerdicts = [...deliverOutcomes, "unknown", "malformed", "undeliverable"] as const;
export type DrainVerdict = (typeof drainVerdicts)[number];

/**
 * `unknown`: no answer before our own deadline, or none that can be believed; the record may have been written, so keep
 * waiting. `retryAfter` is in seconds.
 */
export type ProduceOutcome =
  | { readonly status: "appended"; readonly partition: number; readonly offset: number }
  | {
      readonly status: "refused";
      readonly reason: string;
      readonly why: RefusalReason;
      readonly retryAfter: number;
    }
  | { readonly status: "unknown"; readonly cause?: unknown };
