// What follows a delivery that did not get through: a pure decision. A busy waiter is waited for longer than a lost one,
// neither is given up while nobody can be reached, and nobody is pursued past the time the reply is of use.

/** Properties the platform sets on errors of Durable Object calls. */
export interface DeliveryFailure {
  readonly overloaded: boolean;
}

/** How the calls to one waiter went since the last one that got through. Instants are epoch ms. */
export interface Pursuit {
  /** All of them in a row, the one just seen included. */
  readonly failures: number;
  /** When the first of them was. */
  readonly failingSince: number;
  /** When the first of them was that said the waiter is out of reach, and not only busy. */
  readonly lostSince: number | undefined;
}

export interface PursuitLimits {
  /** The reply is of no use after it; `Infinity` where nobody said so. */
  readonly giveUpAt: number;
  /**
   * When a delivery to anybody last got through, as known when the call that failed began: a call that began before
   * the others got through may have failed for the same reason as theirs did until then.
   */
  readonly lastDeliveredAt: number | undefined;
}

export type NextTry = { readonly next: "retry"; readonly inMs: number } | { readonly next: "give-up" };

/**
 * How long a waiter that is out of reach is pursued: longer than a deploy or a move of its object takes. The reply of a
 * durable exchange is of use for days, and must not become a dead letter because of one bad moment.
 */
export const pursueForMs = 60_000;
/** How long a waiter is pursued that only says it is busy. Its reply may be of use for days, and holds up the offset. */
export const waitForBusyMs = 600_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** `random` is in [0, 1). */
export function afterFailure(
  { overloaded }: DeliveryFailure,
  { failures, failingSince, lostSince }: Pursuit,
  { giveUpAt, lastDeliveredAt }: PursuitLimits,
  now: number,
  random: number,
): NextTry {
  // While nobody got through it is not this waiter that is lost, and its reply is none the better for being given up.
  const isGivenUp = (since: number, forMs: number): boolean =>
    now - since >= forMs && lastDeliveredAt !== undefined && lastDeliveredAt > since;
  const isLost = !overloaded && lostSince !== undefined && isGivenUp(lostSince, pursueForMs);
  if (now >= giveUpAt || isLost || isGivenUp(failingSince, waitForBusyMs)) return { next: "give-up" };
  const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
  return { next: "retry", inMs: pause * (0.5 + random / 2) };
}

/** Reads the platform's mark off a thrown value. */
export function classifyFailure(cause: unknown): DeliveryFailure {
  return {
    overloaded:
      typeof cause === "object" && cause !== null && "overloaded" in cause && cause.overloaded === true,
  };
}
