// The use case of a durable exchange: open it, produce its record if that falls to us, wait as long as the caller
// will. It is stored before anything is produced, so that callers may come and go. It knows Kafka and the waiter by
// their interfaces and HTTP not at all.

import type { Produced, Terms, WaiterRpc } from "../../durable/index.ts";
import { withDeadline, type KafkaPort, type Settled } from "../../kafka/index.ts";
import {
  logCause,
  type Attempt,
  type NewRecord,
  type OpenOutcome,
  type Reply,
} from "../../protocol/index.ts";
import { produceUntilKnown, type RecordFate } from "./produce.ts";
import { departure, type ExchangeOutcome } from "./request-reply.ts";
import { waitForEnd, type WaitDeps } from "./wait.ts";

export interface DurableRequest {
  readonly terms: Terms;
  /** Names this caller; new for each request. */
  readonly opener: string;
  /** The record of an attempt: the same attempt gives the same record. */
  readonly recordOf: (attempt: Attempt) => NewRecord;
  readonly produceTimeoutMs: number;
  /** Epoch ms up to which the caller waits; in the past: not at all. */
  readonly waitUntil: number;
  /** Epoch ms up to which the reply is likely to come, whether or not the caller waits. */
  readonly likelyUntil: number;
  readonly spinMs: number;
}

export interface DurableExchangeDeps extends Omit<WaitDeps, "nudge"> {
  readonly kafka: KafkaPort;
  /** A new stub at each call. */
  readonly waiter: () => Pick<WaiterRpc, "open" | "confirm" | "attach">;
  /** Keeps the drain awake until the first instant, and reading our partitions until the second. */
  readonly nudge: (awakeUntil: number, neededUntil: number, waitsLong: boolean) => Promise<void>;
  /** Lets work outlive the answer, and the caller. */
  readonly afterwards: (work: Promise<unknown>) => void;
}

/**
 * `waiting`: the caller's patience is over and the exchange goes on. `unknown`: the same, but nobody knows yet whether
 * its record is written; `isEarly`: Kafka still had time to say so, or somebody else asks it. `isStored`: it was answered before this caller
 * came. `conflict`: the key was used for another request. `unavailable`: the waiter could not be opened, and nothing was
 * produced.
 */
export type DurableOutcome =
  | Exclude<ExchangeOutcome, { status: "replied" }>
  | { readonly status: "replied"; readonly reply: Reply; readonly isStored?: boolean }
  | { readonly status: "waiting"; readonly createdAt: number; readonly deadlineAt: number }
  | { readonly status: "unknown"; readonly isEarly?: true }
  | { readonly status: "conflict" }
  | { readonly status: "unavailable" };

/** How long opening may take, with everything that fails on the way: after it the caller is asked to come back. */
const openForMs = 5_000;
const openTimeoutMs = 2_500;
const pauseBetweenCallsMs = 100;
const confirmTimeoutMs = 3_000;
/** The object decides when a wait has expired; this much later the Worker stops waiting for it to say so. */
const secondLineMs = 250;
const lastLookTimeoutMs = 2_000;

export async function durableExchange(
  deps: DurableExchangeDeps,
  request: DurableRequest,
  signal: AbortSignal,
): Promise<DurableOutcome> {
  const left = departure(signal);
  const toldBy = Math.max(request.waitUntil, deps.now() + request.produceTimeoutMs);
  for (;;) {
    const opening = open(deps, request);
    const opened = await Promise.race([opening, left]);
    if (opened.status === "left") {
      // It may be stored all the same, and what is stored wants its record.
      deps.afterwards(opening.then((late) => produceIfToldTo(deps, request, late)));
      return opened;
    }
    if (opened.status === "replied") return { ...opened, isStored: true };
    if (!("attempt" in opened)) return opened;
    const outcome = await Promise.race([takePart(deps, request, opened, { toldBy, signal }), left]);
    if (outcome !== "open-again") return outcome;
    // The object's clock decides whether a lease is over; one that is behind ours is not asked over and over.
    await Promise.race([shortPause(deps), left]);
  }
}

type OpenedToWait = Extract<OpenOutcome, { attempt: Attempt }>;
type OpenedToProduce = Exclude<OpenedToWait, { status: "joined" }>;

/**
 * `open-again`: whoever was to produce has not said that it did, or what was joined is gone. `toldBy`: until when
 * (epoch ms) a caller who does not wait any more is kept for word of that.
 */
async function takePart(
  deps: DurableExchangeDeps,
  request: DurableRequest,
  opened: OpenedToWait,
  { toldBy, signal }: { readonly toldBy: number; readonly signal: AbortSignal },
): Promise<DurableOutcome | "open-again"> {
  const { attempt } = opened;
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, signal]);
  if (opened.status !== "joined") {
    const produced = produce(deps, request, opened, over.signal);
    const wait =
      request.waitUntil <= deps.now()
        ? produced.answered.then(() => waiting(attempt))
        : waitFor(deps, request, attempt, request.waitUntil, ended);
    const outcome = await Promise.race([wait, produced.refused]);
    if (outcome === "open-again") return outcome;
    if (outcome.status === "waiting" && !produced.isWritten()) {
      return produced.isUnanswered() ? { status: "unknown" } : { status: "unknown", isEarly: true };
    }
    if (outcome.status === "waiting") return outcome;
    over.abort();
    return outcome;
  }
  const { confirmBy } = opened;
  if (confirmBy === undefined) return waitFor(deps, request, attempt, request.waitUntil, ended);
  if (deps.now() < request.waitUntil) {
    const outcome = await waitFor(deps, request, attempt, Math.min(request.waitUntil, confirmBy), ended);
    return outcome === "open-again" || outcome.status === "waiting" ? "open-again" : outcome;
  }
  // Until then it may still be refused, and then nothing would be kept of what was said to go on.
  if (deps.now() < toldBy) return "open-again";
  // Whoever polls for the answer from here on cannot produce: it has no body.
  deps.afterwards(produceIfNobodyDoes(deps, request, confirmBy));
  return { status: "unknown", isEarly: true };
}

/** Stored before it is said, so a repeat after a lost answer is told the same. */
async function open(
  { waiter, now, pause }: DurableExchangeDeps,
  { terms, opener }: DurableRequest,
): Promise<OpenOutcome | { readonly status: "unavailable" }> {
  const giveUpAt = Math.min(now() + openForMs, terms.deadlineAt);
  for (;;) {
    const opened = await withDeadline(
      Promise.resolve().then(() => waiter().open(terms, opener)),
      openTimeoutMs,
    );
    if (opened.status === "done") return opened.value;
    if (now() + pauseBetweenCallsMs >= giveUpAt) {
      const why = opened.status === "failed" ? logCause(opened.cause) : "it did not answer";
      console.warn(`hearback: a waiter could not be opened: ${why}`);
      return { status: "unavailable" };
    }
    await shortPause({ pause });
  }
}

/** With jitter: all who joined one attempt come back at the same moment. */
function shortPause({ pause }: Pick<DurableExchangeDeps, "pause">): Promise<void> {
  return pause(pauseBetweenCallsMs * (0.5 + Math.random()));
}

/** For a caller who is gone, or waits no longer. */
async function produceIfToldTo(
  deps: DurableExchangeDeps,
  request: DurableRequest,
  opened: Awaited<ReturnType<typeof open>>,
): Promise<void> {
  if (opened.status !== "created" && opened.status !== "takeover") return;
  await produce(deps, request, opened, new AbortController().signal).done;
}

/** For a caller who joined and waits no longer: should nobody have said by then that the record is written. */
async function produceIfNobodyDoes(
  deps: DurableExchangeDeps,
  request: DurableRequest,
  confirmBy: number,
): Promise<void> {
  await deps.pause(Math.max(0, confirmBy - deps.now()) + pauseBetweenCallsMs);
  await produceIfToldTo(deps, request, await open(deps, request));
}

interface Producing {
  /** Kafka has answered, or has not in its time. */
  readonly answered: Promise<void>;
  /** As far as is known now. */
  readonly isWritten: () => boolean;
  /** Kafka has had its time, and has not answered. */
  readonly isUnanswered: () => boolean;
  /** Resolves only if the attempt ends because its record was refused. */
  readonly refused: Promise<ExchangeOutcome>;
  /** All is said and done, whatever became of it. */
  readonly done: Promise<unknown>;
}

/** Goes on when the caller is gone: what is stored wants its record. `over`: the exchange has ended. */
function produce(
  deps: DurableExchangeDeps,
  { terms, recordOf, produceTimeoutMs, likelyUntil }: DurableRequest,
  { status, attempt }: OpenedToProduce,
  over: AbortSignal,
): Producing {
  const { kafka, waiter, afterwards, nudge, now, pause } = deps;
  let isWritten = false;
  let isUnanswered = false;
  afterwards(nudge(Math.min(likelyUntil, attempt.deadlineAt), attempt.deadlineAt, false));
  let firstAnswered = (): void => {};
  const answered = new Promise<void>((resolve) => (firstAnswered = resolve));
  const producing = async (): Promise<{ readonly fate: RecordFate; readonly goesOn: boolean }> => {
    const fate = await produceUntilKnown(kafka, recordOf(attempt), produceTimeoutMs, {
      giveUpAt: attempt.deadlineAt,
      mayBeWritten: status === "takeover",
      now,
      pause,
      onUnknown: () => {
        isUnanswered = true;
        firstAnswered();
      },
      isOver: async () => over.aborted || (await isEnded(waiter, terms.principal)),
    });
    isWritten = fate.status === "appended";
    if (fate.status === "unknown") return { fate, goesOn: true };
    // The reply was faster: nothing is left to be said.
    if (fate.status === "appended" && over.aborted) return { fate, goesOn: true };
    const said = await confirm(deps, attempt, fate);
    // Unsaid, another caller takes over after the lease; the bridge knows the record again.
    const goesOn = isWritten || (said.status === "done" && said.value === "goes-on");
    // Refused here, and yet it goes on: somebody else has it written.
    isWritten = goesOn;
    return { fate, goesOn };
  };
  const produced = producing();
  afterwards(produced);
  return {
    // A refusal is no reason to say that it goes on.
    answered: Promise.race([
      answered,
      produced.then(({ goesOn }) => (goesOn ? undefined : new Promise<void>(() => {}))),
    ]),
    refused: produced.then(({ fate, goesOn }) =>
      fate.status === "refused" && !goesOn ? fate : new Promise(() => {}),
    ),
    isWritten: () => isWritten,
    isUnanswered: () => isUnanswered,
    done: produced,
  };
}

/** Whether the exchange was answered or taken back meanwhile, as far as its object can be asked. */
async function isEnded(waiter: DurableExchangeDeps["waiter"], principal: string): Promise<boolean> {
  const looked = await withDeadline(
    Promise.resolve().then(() => waiter().attach(principal, 0)),
    lastLookTimeoutMs,
  );
  return looked.status === "done" && looked.value.status !== "waiting";
}

/**
 * Says what became of the produce. Word of a written record is said again if it was lost, or somebody would write
 * another; word of a refusal is not, or it could end an attempt that has begun meanwhile.
 */
async function confirm(
  { waiter, now, pause }: DurableExchangeDeps,
  { attempt }: Attempt,
  produced: Produced,
): Promise<Settled<"goes-on" | "ended">> {
  const giveUpAt = now() + confirmTimeoutMs;
  for (;;) {
    const said = await withDeadline(
      Promise.resolve().then(() => waiter().confirm(attempt, produced)),
      giveUpAt - now(),
    );
    if (said.status === "done" || produced.status === "refused") return said;
    if (now() + pauseBetweenCallsMs >= giveUpAt) return said;
    await shortPause({ pause });
  }
}

/** Waits until `until`, then looks once more: what is stored by then is never missed. */
async function waitFor(
  deps: DurableExchangeDeps,
  { terms, spinMs, waitUntil }: DurableRequest,
  attempt: Attempt,
  until: number,
  ended: AbortSignal,
): Promise<DurableOutcome | "open-again"> {
  const { deadlineAt } = attempt;
  const patience = until >= deadlineAt ? deadlineAt + secondLineMs : until;
  const outcome =
    (await waitForEnd(
      {
        ...deps,
        nudge: (waitsLong) =>
          deps.afterwards(deps.nudge(Math.min(waitUntil, deadlineAt), deadlineAt, waitsLong)),
      },
      { until: patience, spinMs },
      ended,
    )) ?? (ended.aborted ? waiting(attempt) : await lastLook(deps, terms.principal, attempt));
  if (outcome.status === "gone" || outcome.status === "forbidden") {
    // Refused, and forgotten, between two looks. A key leads to one principal's object only.
    return deps.now() < waitUntil ? "open-again" : waiting(attempt);
  }
  return outcome;
}

async function lastLook(deps: DurableExchangeDeps, principal: string, attempt: Attempt) {
  const looked = await withDeadline(
    Promise.resolve().then(() => deps.waiter().attach(principal, 0)),
    lastLookTimeoutMs,
  );
  if (looked.status === "done") return looked.value;
  const { deadlineAt } = attempt;
  return deps.now() >= deadlineAt ? ({ status: "expired", deadlineAt } as const) : waiting(attempt);
}

function waiting({ createdAt, deadlineAt }: Attempt) {
  return { status: "waiting", createdAt, deadlineAt } as const;
}
