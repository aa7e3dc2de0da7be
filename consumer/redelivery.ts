// What follows a delivery that did not get through: a pure decision. A busy waiter is waited for, a lost one is tried
// again for a while, and nobody is pursued past the time the reply is of use.

/** Properties the platform sets on errors of Durable Object calls. */
export interface DeliveryFailure {
  readonly overloaded: boolean;
}

export type NextTry = { readonly next: "retry"; readonly inMs: number } | { readonly next: "give-up" };

/**
 * How long a waiter that is out of reach is pursued: longer than a deploy or a move of its object takes. The reply of a
 * durable exchange is of use for days, and must not become a dead letter because of one bad moment.
 */
export const pursueForMs = 60_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * `failures` counts all of them in a row, this one included; `lostSince` is the instant of the first of them that said
 * the waiter is out of reach. Instants are epoch ms; `random` is in [0, 1).
 */
export function afterFailure(
  { overloaded }: DeliveryFailure,
  { failures, lostSince }: { readonly failures: number; readonly lostSince: number | undefined },
  giveUpAt: number,
  now: number,
  random: number,
): NextTry {
  const isLost = !overloaded && now - (lostSince ?? now) >= pursueForMs;
  if (now >= giveUpAt || isLost) return { next: "give-up" };
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
