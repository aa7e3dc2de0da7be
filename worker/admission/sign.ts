// What the outcome of an exchange says about its service, for the breaker. Pure; one place, so that a slow client, a
// short patience or an old answer is never taken for the service's doing.

import type { DurableOutcome } from "../exchange/durable-exchange.ts";
import type { Sign } from "./breaker.ts";

export interface Seen {
  /** Epoch ms at which this request began; of an exchange that is older it saw the end alone. */
  readonly createdAt: number;
  /** Epoch ms to which it may wait; an exchange with another deadline is not its own. */
  readonly deadlineAt: number;
  /** How long the service had, or was seen, since this request was admitted, in ms. */
  readonly waitedMs: number;
  readonly timeoutMs: number;
}

/** A wait says nothing of its service if a slow body or an early deadline left it less than this share of its time. */
const fairShare = 0.5;

export function signOf(outcome: DurableOutcome, { createdAt, deadlineAt, waitedMs, timeoutMs }: Seen): Sign {
  switch (outcome.status) {
    case "replied":
      // A stored answer is as old as it is; any other is a sign of life, also of a service that fails.
      return outcome.isStored === true ? "none" : "replied";
    case "expired":
      // One that expires is one failure, and not one for each who joined it.
      return outcome.deadlineAt === deadlineAt && waitedMs >= timeoutMs * fairShare ? "expired" : "none";
    case "refused":
      // No topic takes everything: that one is too large is its client's doing.
      return outcome.tooLarge === true ? "none" : "refused";
    case "unknown":
      // Anybody can wait so briefly that no Kafka answers in time.
      return outcome.isEarly === true ? "none" : "refused";
    case "waiting":
      // Joined, it tells nothing of Kafka; opened here, its record was taken.
      return outcome.createdAt === createdAt ? "handed-over" : "none";
    case "cancelled":
    case "conflict":
    case "unavailable":
    case "left":
      return "none";
  }
}
