// One run of the drain: poll, hand over, poll again, until there is nothing owed or the budget of this
// invocation is spent. It decides when to poll and where from; what a record means is in partitions.ts.

import {
  checkPosition,
  startPosition,
  type KafkaPort,
  type KafkaRead,
  type LogPosition,
  type TopicPartition,
} from "../kafka/index.ts";
import { partitionsToRead, type Duties } from "./assignment.ts";
import { nameOf } from "./partition-name.ts";
import type { ReplyPartitions } from "./partitions.ts";
import type { RunBudget } from "./run-budget.ts";

/** Longest wait of a poll for its first record; how soon a silently dead connection is noticed. */
export const pollWaitMs = 5_000;
const offsetsTimeoutMs = 3_000;
/** A poll with nothing in it that took less than this did not wait: a position may be gone. */
const suspiciouslyQuickMs = 250;
/** Polls without a record after which the positions are checked, in case the backend cannot tell by itself. */
const emptyPollsBeforeCheck = 3;
/**
 * While a partition of the config is not there yet, polls are no longer than this and it is looked for between them:
 * what a bridge knows of a topic's partitions may be half a minute old, and only a question makes it look again.
 */
const lookForMissingMs = 1_000;
/** Reading starts this long before the longest timeout, for clocks that differ and records that waited. */
const windowSlackMs = 60_000;
/** Longer than a delivery and its first repeat; what is still open then is read and delivered again. */
const settleTimeoutMs = 10_000;
const firstPauseMs = 100;
/** At most this long after Kafka, or the bridge, is back, the drain asks again. */
const longestPauseMs = 1_000;

export interface RunDeps {
  readonly kafka: KafkaPort;
  readonly partitions: ReplyPartitions;
  readonly budget: RunBudget;
  readonly duties: () => Duties;
  /** Resolves at the next change of duties or verdict, or after `ms`. */
  readonly changed: (ms: number) => Promise<void>;
  /** The answer of a poll, or undefined as soon as the set of partitions to read has changed. */
  readonly unlessReassigned: <T>(poll: Promise<T>) => Promise<T | undefined>;
  /** A poll was answered, with records or without. */
  readonly polled: () => void;
  /** Kafka did not answer. */
  readonly failed: (cause: unknown) => void;
  readonly now: () => number;
}

/** `asleep`: nothing is owed. `spent`: somebody may still wait, so another run must follow at once. */
export type RunEnd = "asleep" | "spent";

/** `until`: "owed" runs while a wait may be on; "empty" stops at the first poll that brings nothing. */
export async function run(deps: RunDeps, until: "owed" | "empty"): Promise<RunEnd> {
  const { budget, partitions, now } = deps;
  // A nudge may come in the middle: then this run goes on as one that is owed.
  const stopsAtEmpty = (): boolean => until === "empty" && now() >= deps.duties().awakeUntil;
  let mustCheck = true;
  let checkedFor = "";
  let checkedAt = 0;
  let isMissing = false;
  let emptyPolls = 0;
  let failures = 0;
  for (;;) {
    if (until === "owed" && now() >= deps.duties().awakeUntil) return settled(deps);
    if (budget.isSpent(now())) return "spent";
    if (partitions.isFull) {
      await deps.changed(longestPauseMs);
      continue;
    }
    const wanted = partitionsToRead(deps.duties());
    const assignment = wanted.map(nameOf).join();
    const mustLook = isMissing && now() >= checkedAt + lookForMissingMs;
    if (mustCheck || mustLook || assignment !== checkedFor) {
      if (await placeAll(deps, wanted)) {
        mustCheck = false;
        checkedAt = now();
        checkedFor = assignment;
      } else {
        await deps.changed(pauseAfter(++failures));
        if (stopsAtEmpty()) return settled(deps);
        continue;
      }
    }
    const positions = partitions.positions(wanted);
    if (positions.length === 0) {
      // No topic is there yet.
      mustCheck = true;
      if (stopsAtEmpty()) return settled(deps);
      await deps.changed(longestPauseMs);
      continue;
    }
    isMissing = positions.length < wanted.length || positions.some(({ log }) => log === "");
    const startedAt = now();
    budget.spendKafkaCall();
    const waitMs = isMissing ? lookForMissingMs : pollWaitMs;
    const poll = deps.kafka.fetch(positions, stopsAtEmpty() ? 0 : waitMs);
    const answer = await deps.unlessReassigned(poll);
    // New partitions to read: this poll does not know them. Its records, if any come, are read again.
    if (answer === undefined) continue;
    if (answer.status !== "read") {
      deps.failed(answer.cause);
      // What answered before may be another bridge over another log when it comes back.
      mustCheck = true;
      if (stopsAtEmpty()) return settled(deps);
      await deps.changed(pauseAfter(++failures));
      continue;
    }
    failures = 0;
    deps.polled();
    if (answer.value.length > 0) {
      emptyPolls = 0;
      await partitions.take(answer.value, now());
      continue;
    }
    if (stopsAtEmpty()) return settled(deps);
    emptyPolls++;
    const quick = now() - startedAt < suspiciouslyQuickMs;
    mustCheck = quick || emptyPolls % emptyPollsBeforeCheck === 0;
    // A backend that never waits would otherwise be asked without pause.
    if (quick) await deps.changed(firstPauseMs);
  }
}

/** Before it sleeps, the drain waits for the verdicts of what it read: they are stored with the place it got to. */
async function settled({ partitions, changed, now }: RunDeps): Promise<RunEnd> {
  const until = now() + settleTimeoutMs;
  while (partitions.unsettled > 0 && now() < until) await changed(until - now());
  return "asleep";
}

function pauseAfter(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
}

/** Gives new partitions their first place and checks the places of the others. False: Kafka did not answer. */
async function placeAll(deps: RunDeps, wanted: readonly TopicPartition[]): Promise<boolean> {
  const { kafka, partitions, budget, now } = deps;
  const ask = async (query: "earliest" | "latest" | number): Promise<readonly LogPosition[] | undefined> => {
    budget.spendKafkaCall();
    const answer: KafkaRead<readonly LogPosition[]> = await kafka.offsets(query, wanted, offsetsTimeoutMs);
    if (answer.status === "read") return answer.value;
    deps.failed(answer.cause);
    return undefined;
  };
  const [latest, earliest] = await Promise.all([ask("latest"), ask("earliest")]);
  if (latest === undefined || earliest === undefined) return false;

  const known = byName(partitions.positions(wanted));
  const [starts, ends] = [byName(earliest), byName(latest)];
  const toPlace = wanted.filter((partition) => {
    const position = known.get(nameOf(partition));
    const from = starts.get(nameOf(partition));
    const to = ends.get(nameOf(partition));
    // A partition that Kafka does not name is not there yet; it is placed when it appears.
    if (from === undefined || to === undefined) return false;
    if (position?.log === "") partitions.identify(partition, to.log);
    return position === undefined || checkPosition(position, from, to) === "gone";
  });
  if (toPlace.length === 0) return true;
  const atWindow = await ask(now() - deps.duties().longestTimeoutMs - windowSlackMs);
  if (atWindow === undefined) return false;
  const windows = byName(atWindow);
  for (const partition of toPlace) {
    const end = ends.get(nameOf(partition));
    const window = windows.get(nameOf(partition));
    if (end !== undefined && window !== undefined) partitions.place(partition, startPosition(end, window));
  }
  return true;
}

function byName(positions: readonly LogPosition[]): ReadonlyMap<string, LogPosition> {
  return new Map(positions.map((position) => [nameOf(position), position]));
}
