// How a Worker waits on a waiter: a short hold first, since most replies come in that time, then parked on a socket
// that costs nothing while it is silent. It attaches again by itself, each time with a new stub, until the wait ends
// or the caller's patience does. It knows neither HTTP nor Kafka, nor what is waited for.

import { maxHoldMs, type ParkedOutcome } from "../../durable/index.ts";
import { withDeadline, type Settled } from "../../kafka/index.ts";
import type { AttachOutcome, WaitOutcome } from "../../protocol/index.ts";
import type { ParkedWaits } from "./parked-waits.ts";

/** The ways to attach. Each call takes a new stub: a held call may live on in an old instance, and a broken stub stays broken. */
export interface WaitPort {
  /** For at most so many ms. Rejects when the object is lost or too busy. */
  hold(ms: number): Promise<WaitOutcome | AttachOutcome>;
  /** Rejects when no socket could be had. */
  park(): Promise<ParkedWait>;
}

/** An open socket to the waiter. */
export interface ParkedWait {
  /** The outcome, or undefined when the socket closed without one. Never rejects. */
  readonly ended: Promise<ParkedOutcome | undefined>;
  /** Nobody waits here any more. Harmless after the end. */
  close(): void;
}

export interface WaitDeps {
  readonly port: WaitPort;
  /** Keeps the drain awake; cheap when it is known to be. `waitsLong`: it may have been reset. */
  readonly nudge: (waitsLong: boolean) => void;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Of this isolate. While a wait is parked nothing else would tell the drain, should that have been reset, of it. */
  readonly parkedWaits: ParkedWaits;
}

export interface Patience {
  /** Epoch ms; then the caller is told `waiting`, unless the wait has ended before. */
  readonly until: number;
  /** How long to hold before parking. */
  readonly spinMs: number;
}

/** A hold that answers this much after its time hangs: the object may have moved. */
const holdGraceMs = 1_000;
/** A socket is there in a few ms, or something is wrong. */
const parkTimeoutMs = 2_000;
const firstPauseMs = 10;
const longestPauseMs = 500;
/** An attach that lasted this long was no failure, however it ended. */
const goodAttachMs = 1_000;

/** `undefined`: the patience is over, or `ended` was aborted, and nobody knows how the wait will end. */
export async function waitForEnd(
  deps: WaitDeps,
  { until, spinMs }: Patience,
  ended: AbortSignal,
): Promise<ParkedOutcome | undefined> {
  const { port, nudge, now, pause } = deps;
  let failures = 0;
  let holdMs = spinMs;
  for (let attaches = 0; !ended.aborted; attaches++) {
    const startedAt = now();
    const remaining = until - startedAt;
    if (remaining <= 0) return undefined;
    nudge(attaches > 0);
    if (holdMs > 0) {
      const held = await holdFor(port, Math.min(holdMs, remaining), remaining);
      holdMs = 0;
      if (held.status === "done") {
        if (held.value.status !== "waiting") return held.value;
        failures = 0;
        continue;
      }
    } else {
      const parked = await parkWithin(port, Math.min(parkTimeoutMs, remaining));
      if (parked === undefined) {
        // An object of an earlier deploy parks nobody, but it holds.
        holdMs = maxHoldMs;
      } else {
        const outcome = await parkedUntil(parked, deps, until, ended);
        if (outcome !== undefined) return outcome;
      }
    }
    if (ended.aborted || now() >= until) return undefined;
    // Reset, moved or overloaded. The record may be out already, so attach again; with jitter, since a deploy cuts all
    // waits of an isolate at the same moment.
    failures = now() - startedAt >= goodAttachMs ? 1 : failures + 1;
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);
    await pause(Math.min(ms, until - now()));
  }
  return undefined;
}

function holdFor(
  port: WaitPort,
  holdMs: number,
  remainingMs: number,
): Promise<Settled<WaitOutcome | AttachOutcome>> {
  return withDeadline(
    Promise.resolve().then(() => port.hold(holdMs)),
    Math.min(holdMs + holdGraceMs, remainingMs),
  );
}

/** Closes a socket that comes too late. */
async function parkWithin(port: WaitPort, timeoutMs: number): Promise<ParkedWait | undefined> {
  const opening = Promise.resolve().then(() => port.park());
  const settled = await withDeadline(opening, timeoutMs);
  if (settled.status === "done") return settled.value;
  opening.then((late) => late.close()).catch(() => {});
  return undefined;
}

async function parkedUntil(
  parked: ParkedWait,
  { nudge, now, pause, parkedWaits }: Omit<WaitDeps, "port">,
  until: number,
  ended: AbortSignal,
): Promise<ParkedOutcome | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<"aborted">();
  const onAbort = (): void => resolve("aborted");
  if (ended.aborted) onAbort();
  ended.addEventListener("abort", onAbort, { once: true });
  const leave = parkedWaits.enter();
  try {
    for (;;) {
      const remaining = until - now();
      if (remaining <= 0) return undefined;
      const next = await Promise.race([
        parked.ended,
        aborted,
        pause(Math.min(parkedWaits.lookAfterMs(Math.random()), remaining)).then(
          () => "still-parked" as const,
        ),
      ]);
      if (next === "aborted") return undefined;
      if (next !== "still-parked") return next;
      if (now() < until) nudge(true);
    }
  } finally {
    leave();
    ended.removeEventListener("abort", onAbort);
    parked.close();
  }
}
