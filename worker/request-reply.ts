// The use case: open the waiter, produce the request, wait for the reply. It knows Kafka and the waiter by
// their interfaces and HTTP not at all.

import { maxHoldMs, type WaiterRpc, type WaitSpec } from "../durable/index.ts";
import { withDeadline, type KafkaPort } from "../kafka/index.ts";
import type { NewRecord, WaitOutcome } from "../protocol/index.ts";

export interface Exchange {
  readonly record: NewRecord;
  readonly spec: WaitSpec;
  readonly produceTimeoutMs: number;
}

export interface RequestReplyDeps {
  readonly kafka: KafkaPort;
  /** A new stub at each call: a held call may live on in an old instance, and a broken stub stays broken. */
  readonly waiter: () => WaiterRpc;
  /** Keeps the drain awake until the deadline; cheap when it is known to be. */
  readonly nudge: (deadlineAt: number, waitsLong: boolean) => Promise<void>;
  /** Lets work outlive the answer. */
  readonly afterwards: (work: Promise<unknown>) => void;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * How an exchange ends for its caller. `left`: the client is gone and nobody reads the answer. `too-large`: the
 * topic takes no record of this size.
 */
export type ExchangeOutcome =
  | Exclude<WaitOutcome, { status: "waiting" }>
  | { readonly status: "left" }
  | { readonly status: "too-large" };

/** The object decides when a wait has expired; this much later the Worker stops asking it. */
const secondLineMs = 250;
/** A hold that answers this much after its time hangs: the object may have moved. */
const holdGraceMs = 1_000;
const longestPauseMs = 500;

/**
 * Opens and produces in parallel: a plain request is worth nothing once its client is gone, so it need not be
 * stored first. Should the reply win the race against the open, the waiter holds it until its caller attaches.
 */
export async function requestReply(
  deps: RequestReplyDeps,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<ExchangeOutcome> {
  const ended = new AbortController();
  const outcome = await Promise.race([
    holdUntilEnded(deps, exchange.spec, ended.signal),
    refusal(deps, exchange),
    departure(signal),
  ]);
  ended.abort();
  // Nobody is attached any more and nothing will come, or nobody wants it: the waiter can forget.
  if (outcome.status === "refused" || outcome.status === "too-large" || outcome.status === "left") {
    deps.afterwards(deps.waiter().leave().catch(ignoreLostWaiter));
  }
  return outcome;
}

/** Attaches to the waiter again and again, each time for a short while, until the wait has an end. */
async function holdUntilEnded(
  deps: RequestReplyDeps,
  spec: WaitSpec,
  ended: AbortSignal,
): Promise<Exclude<WaitOutcome, { status: "waiting" }>> {
  for (let holds = 0, failures = 0; !ended.aborted; holds++) {
    const remaining = spec.deadlineAt + secondLineMs - deps.now();
    if (remaining <= 0) break;
    deps.afterwards(deps.nudge(spec.deadlineAt, holds > 0));
    const holdMs = Math.min(maxHoldMs, remaining);
    const hold = await withDeadline(
      Promise.resolve().then(() => deps.waiter().wait(spec, holdMs)),
      Math.min(holdMs + holdGraceMs, remaining),
    );
    if (hold.status !== "done") {
      // Reset, moved or overloaded. The record may be out already, so attach again until the deadline.
      failures++;
      const pause = Math.min(longestPauseMs, 10 * 2 ** failures) * (0.5 + Math.random() / 2);
      await deps.pause(Math.min(pause, remaining));
      continue;
    }
    failures = 0;
    const outcome = hold.value;
    if (outcome.status !== "waiting") return outcome;
  }
  return { status: "expired", deadlineAt: spec.deadlineAt };
}

/** Resolves only if the record is refused; appended or unknown, the wait goes on. */
async function refusal(
  deps: RequestReplyDeps,
  { record, produceTimeoutMs }: Exchange,
): Promise<{ status: "refused"; retryAfter: number } | { status: "too-large" }> {
  const produced = await deps.kafka.produce(record, produceTimeoutMs);
  if (produced.status === "refused") {
    console.warn(`hearback: a record for ${record.topic} was refused: ${produced.reason}`);
    if (produced.why === "too-large") return { status: "too-large" };
    return { status: "refused", retryAfter: produced.retryAfter };
  }
  return new Promise(() => {});
}

function departure(signal: AbortSignal): Promise<{ status: "left" }> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve({ status: "left" });
    signal.addEventListener("abort", () => resolve({ status: "left" }), { once: true });
  });
}

/** Leaving spares the waiter some memory; one that cannot be reached ends at its deadline by itself. */
function ignoreLostWaiter(): void {}
