// What one client wants and how it behaves, as a function of the seed and the call's number. How it goes on after what
// it was told is in next-step.ts.

import { principals, type Principal } from "./gateway/services.ts";
import type { CallKind } from "./journal.ts";
import { randomOf } from "./random.ts";

export interface PlannedCall {
  readonly call: string;
  readonly kind: CallKind;
  readonly principal: Principal;
  /** Of a keyed call, and of every other async one. */
  readonly key?: string;
  /** How many ask for it at once, all of them with its key. */
  readonly callers: number;
  /** How long a client waits for a response before it goes away, in ms. */
  readonly patienceMs: number;
  /** `Prefer: wait=N` with which it comes back by `Location`; 0: without. */
  readonly waitSeconds: number;
  /** The other principal asks for its `Location`, too. */
  readonly isSpiedOn: boolean;
}

export function planCall(seed: number, number: number): PlannedCall {
  const random = randomOf(seed, `call ${number}`);
  const call = `call-${number}`;
  const principal = random.pick(principals);
  const share = random.next();
  // Few texts, each once for each principal: two calls of different principals that run at once have the same one.
  const key = `key-${principals.length * Math.floor(number / principals.length)}`;
  const isKeyless = { callers: 1, isSpiedOn: false, waitSeconds: 0 };
  if (share < 0.5) return { call, kind: "plain", principal, patienceMs: 8_000, ...isKeyless };
  if (share < 0.8) {
    return {
      call,
      kind: "keyed",
      principal: principals[number % principals.length] ?? principal,
      key,
      callers: random.pick([1, 1, 2, 3]),
      // Some leave before their answer can be there, and come back to it.
      patienceMs: random.pick([1_000, 6_000, 15_000, 50_000]),
      isSpiedOn: false,
      waitSeconds: 0,
    };
  }
  const isKeyed = random.chance(0.5);
  return {
    call,
    kind: "async",
    principal: isKeyed ? (principals[number % principals.length] ?? principal) : principal,
    ...(isKeyed ? { key } : {}),
    callers: isKeyed ? random.pick([1, 1, 2]) : 1,
    patienceMs: 10_000,
    waitSeconds: random.pick([0, 2, 10]),
    isSpiedOn: random.chance(0.3),
  };
}
