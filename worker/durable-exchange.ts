// The use case of a durable exchange: open it, produce its record if that falls to us, wait as long as the caller
// will. It is stored before anything is produced, so that callers may come and go. It knows Kafka and the waiter by
// their interfaces and HTTP not at all.

import type { Produced, Terms, WaiterRpc } from "../durable/index.ts";
import { withDeadline, type KafkaPort, type Settled } from "../kafka/index.ts";
import type { Attempt, NewRecord, OpenOutcome } from "../protocol/index.ts";
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
 * `waiting`: the caller's patience is over and the exchange goes on. `conflict`: the key was used for another request.
 * `unavailable`: the waiter could not be opened, and nothing was produced.
 */
export type DurableOutcome =
  | ExchangeOutcome
  | { readonly status: "waiting"; readonly createdAt: number; readonly deadlineAt: number }
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
  for (;;) {
    const opened = await Promise.race([open(deps, request), left]);
    switch (opened.status) {
      case "created":
      case "takeover":
      case "joined":
        break;
      default:
        return opened;
    }
    const outcome = await Promise.race([takePart(deps, request, opened, signal), left]);
    if (outcome !== "open-again") return outcome;
    // The object's clock decides whether a lease is over; one that is behind ours is not asked over and over.
    await Promise.race([shortPause(deps), left]);
  }
}

type OpenedToWait = Extract<OpenOutcome, { attempt: Attempt }>;

/** `open-again`: whoever was to produce has not said that it did, or what was joined is gone. */
async function takePart(
  deps: DurableExchangeDeps,
  request: DurableRequest,
  opened: OpenedToWait,
  signal: AbortSignal,
): Promise<DurableOutcome | "open-again"> {
  const { attempt } = opened;
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, signal]);
  if (opened.status !== "joined") {
    const produced = produce(deps, request, attempt, over.signal);
    deps.afterwards(deps.nudge(Math.min(request.likelyUntil, attempt.deadlineAt), attempt.deadlineAt, false));
    const wait =
      request.waitUntil <= deps.now()
        ? produced.answered.then(() => waiting(attempt))
        : waitFor(deps, request, attempt, request.waitUntil, ended);
    const outcome = await Promise.race([wait, produced.refused]);
    if (outcome !== "open-again" && outcome.status !== "waiting") over.abort();
    return outcome;
  }
  const { confirmBy } = opened;
  const until = Math.min(request.waitUntil, confirmBy ?? Infinity);
  const outcome = await waitFor(deps, request, attempt, until, ended);
  const mayTakeOver = outcome !== "open-again" && outcome.status === "waiting" && until < request.waitUntil;
  return mayTakeOver ? "open-again" : outcome;
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
      console.warn("hearback: a waiter could not be opened", opened);
      return { status: "unavailable" };
    }
    await shortPause({ pause });
  }
}

/** With jitter: all who joined one attempt come back at the same moment. */
function shortPause({ pause }: Pick<DurableExchangeDeps, "pause">): Promise<void> {
  return pause(pauseBetweenCallsMs * (0.5 + Math.random()));
}

interface Producing {
  /** Kafka has answered, or has not in its time. */
  readonly answered: Promise<void>;
  /** Resolves only if the attempt ends because its record was refused. */
  readonly refused: Promise<ExchangeOutcome>;
}

/** Goes on when the caller is gone: what is stored wants its record. `over`: the exchange has ended. */
function produce(
  deps: DurableExchangeDeps,
  { recordOf, produceTimeoutMs }: DurableRequest,
  attempt: Attempt,
  over: AbortSignal,
): Producing {
  const { kafka, afterwards, now, pause } = deps;
  let firstAnswered = (): void => {};
  const answered = new Promise<void>((resolve) => (firstAnswered = resolve));
  const confirmed = (async (): Promise<RecordFate & { goesOn: boolean }> => {
    const fate = await produceUntilKnown(kafka, recordOf(attempt), produceTimeoutMs, attempt.deadlineAt, {
      now,
      pause,
      onUnknown: firstAnswered,
      isOver: () => over.aborted,
    });
    if (fate.status === "unknown") return { ...fate, goesOn: true };
    // The reply was faster: nothing is left to be said.
    if (fate.status === "appended" && over.aborted) return { ...fate, goesOn: true };
    const said = await confirm(deps, attempt, fate);
    // Unsaid, another caller takes over after the lease; the bridge knows the record again.
    return {
      ...fate,
      goesOn: fate.status === "appended" || (said.status === "done" && said.value === "goes-on"),
    };
  })();
  afterwards(confirmed);
  return {
    // A refusal is no reason to say that it goes on.
    answered: Promise.race([
      answered,
      confirmed.then(({ goesOn }) => (goesOn ? undefined : new Promise<void>(() => {}))),
    ]),
    refused: confirmed.then((fate) =>
      fate.status === "refused" && !fate.goesOn ? fate : new Promise(() => {}),
    ),
  };
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
  const { createdAt, deadlineAt } = attempt;
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
  switch (outcome.status) {
    case "gone":
    case "forbidden":
      // Refused, and forgotten, between two looks. A key leads to one principal's object only.
      return deps.now() < waitUntil ? "open-again" : { status: "waiting", createdAt, deadlineAt };
    default:
      return outcome;
  }
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
