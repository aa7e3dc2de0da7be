// The use case of a plain request: open the waiter, produce the request, wait for the reply. It knows Kafka and the
// waiter by their interfaces and HTTP not at all. What outlives its caller is in durable-exchange.ts.

import type { WaitSpec } from "../../durable/index.ts";
import type { KafkaPort } from "../../kafka/index.ts";
import type { NewRecord, WaitEnd } from "../../protocol/index.ts";
import { produceUntilKnown, type RecordFate } from "./produce.ts";
import { waitForEnd, type WaitDeps, type WaitPort } from "./wait.ts";

export interface PlainRequest {
  readonly record: NewRecord;
  readonly spec: WaitSpec;
  readonly produceTimeoutMs: number;
  readonly spinMs: number;
}

export interface RequestReplyDeps extends Omit<WaitDeps, "port" | "nudge"> {
  readonly kafka: KafkaPort;
  readonly port: WaitPort;
  /** Tells the waiter that nobody waits any more. */
  readonly leave: () => Promise<void>;
  /** What is written when the caller leaves; undefined where the service wants nothing. */
  readonly cancelRecord: () => NewRecord | undefined;
  /** Keeps the drain awake until that instant; cheap when it is known to be. */
  readonly nudge: (awakeUntil: number, waitsLong: boolean) => Promise<void>;
  /** Lets work outlive the answer. */
  readonly afterwards: (work: Promise<unknown>) => void;
}

/** How an exchange ends for its caller. `left`: the client is gone and nobody reads the answer. */
export type ExchangeOutcome = WaitEnd | { readonly status: "left" };

/** The object decides when a wait has expired; this much later the Worker stops asking it. */
const secondLineMs = 250;

/**
 * Opens and produces in parallel: a plain request is worth nothing once its client is gone, so it need not be
 * stored first. Should the reply win the race against the open, the waiter holds it until its caller attaches.
 */
export async function requestReply(
  deps: RequestReplyDeps,
  { record, spec, produceTimeoutMs, spinMs }: PlainRequest,
  signal: AbortSignal,
): Promise<ExchangeOutcome> {
  const { kafka, now, pause } = deps;
  const ended = new AbortController();
  const produced = (each: NewRecord, isOver: () => boolean): Promise<RecordFate> =>
    produceUntilKnown(kafka, each, produceTimeoutMs, {
      giveUpAt: spec.deadlineAt,
      mayBeWritten: false,
      now,
      pause,
      isOver: async () => isOver(),
    });
  const outcome = await Promise.race([
    untilDeadline(deps, spec, spinMs, ended.signal),
    refusalOf(produced(record, () => ended.signal.aborted)),
    departure(signal),
  ]);
  ended.abort();
  // Nobody is attached any more and nothing will come, or nobody wants it: the waiter can forget.
  if (outcome.status === "refused" || outcome.status === "left") {
    deps.afterwards(deps.leave().catch(ignoreLostWaiter));
  }
  const cancelRecord = outcome.status === "left" ? deps.cancelRecord() : undefined;
  if (cancelRecord !== undefined) {
    deps.afterwards(produced(cancelRecord, () => false));
  }
  return outcome;
}

async function untilDeadline(
  deps: RequestReplyDeps,
  { deadlineAt }: WaitSpec,
  spinMs: number,
  ended: AbortSignal,
): Promise<WaitEnd> {
  const outcome = await waitForEnd(
    { ...deps, nudge: (waitsLong) => deps.afterwards(deps.nudge(deadlineAt, waitsLong)) },
    { until: deadlineAt + secondLineMs, spinMs },
    ended,
  );
  // What only a durable exchange is told, a plain wait never is.
  if (outcome === undefined || outcome.status === "gone" || outcome.status === "forbidden") {
    return { status: "expired", deadlineAt };
  }
  return outcome;
}

/** Resolves only if the record is refused; appended or unknown, the wait goes on. */
async function refusalOf(producing: Promise<RecordFate>): Promise<WaitEnd> {
  const fate = await producing;
  return fate.status === "refused" ? fate : new Promise(() => {});
}

export function departure(signal: AbortSignal): Promise<{ status: "left" }> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve({ status: "left" });
    signal.addEventListener("abort", () => resolve({ status: "left" }), { once: true });
  });
}

/** Leaving spares the waiter some memory; one that cannot be reached ends at its deadline by itself. */
function ignoreLostWaiter(): void {}
