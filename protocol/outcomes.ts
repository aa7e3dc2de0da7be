// What can become of a wait, a delivery and a produce. Every fate has a name; expected fates are
// returned as these unions and never thrown across Durable Object RPC.

import type { RefusalReason } from "./kafka-rest.ts";
import type { Reply } from "./reply.ts";

/** What a caller of the waiter is told. `waiting` ends a hold, not the wait: attach again. */
export type WaitOutcome =
  | { readonly status: "replied"; readonly reply: Reply }
  | { readonly status: "expired"; readonly deadlineAt: number }
  | { readonly status: "cancelled" }
  | { readonly status: "refused"; readonly retryAfter: number }
  | { readonly status: "waiting" };

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
 * `unknown`: no answer before our own deadline; the record may have been written, so keep waiting.
 * `retryAfter` is in seconds.
 */
export type ProduceOutcome =
  | { readonly status: "appended"; readonly partition: number; readonly offset: number }
  | {
      readonly status: "refused";
      readonly reason: string;
      readonly why: RefusalReason;
      readonly retryAfter: number;
    }
  | { readonly status: "unknown" };
