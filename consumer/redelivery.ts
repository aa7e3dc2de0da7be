// What follows a delivery that did not get through: a pure decision. A busy waiter is waited for, a lost
// one is tried again a few times, and nobody is pursued past the time the reply is of use.

/** Properties the platform sets on errors of Durable Object calls. */
export interface DeliveryFailure {
  readonly overloaded: boolean;
}

export type NextTry = { readonly next: "retry"; readonly inMs: number } | { readonly next: "give-up" };

export const maxTries = 5;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * `failures` counts all of them, this one included; `tries` only those that say the waiter is out of reach.
 * `giveUpAt` and `now` are epoch ms; `random` is in [0, 1).
 */
export function afterFailure(
  { overloaded }: DeliveryFailure,
  { failures, tries }: { readonly failures: number; readonly tries: number },
  giveUpAt: number,
  now: number,
  random: number,
): NextTry {
  if (now >= giveUpAt || (!overloaded && tries >= maxTries)) return { next: "give-up" };
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
