// The log of an Apache Kafka cluster: puts the parts of this folder together behind the interface of
// ../log. What a record must be like, and the absorbing of repeats, are the same for every backend.

import type { Admin } from "@platformatic/kafka";
import { recordBytes, type KafkaRecord } from "../../protocol/index.ts";
import {
  LogUnavailable,
  partitionName,
  type FetchOptions,
  type Log,
  type LogOffset,
  type LogPosition,
  type OffsetQuery,
  type ProduceAnswer,
  type RecordToAppend,
  type Refused,
  type TopicPartition,
  choosePartition,
  invalid,
  refusalOf,
  takeInTurn,
  type Entry,
  createWaiters,
} from "../log/index.ts";
import type { Appender } from "./appender.ts";
import type { Cluster, KnownTopic } from "./cluster.ts";
import type { DirectReader } from "./direct-reader.ts";
import { clusterRetryAfter, isUnknownTopic, unavailable } from "./errors.ts";
import { patiently } from "./patience.ts";
import type { Tail } from "./tail.ts";

export interface KafkaLogParts {
  readonly admin: Pick<Admin, "listOffsets">;
  readonly cluster: Cluster;
  readonly appender: Appender;
  readonly direct: DirectReader;
  /** Made here, because what it finds wakes the readers of this log. */
  readonly createTail: (onChange: (partition: TopicPartition) => void) => Tail;
  /** Whether the first record for a topic creates it, with the cluster's defaults. */
  readonly createTopics: boolean;
  readonly closeClients: () => Promise<void>;
  /** Told of what keeps a partition from being read. */
  readonly onError: (message: string) => void;
  readonly now?: () => number;
}

export interface KafkaLog extends Log {
  /** Fetches that are waiting now. */
  readonly waiting: number;
  readonly tail: Pick<Tail, "followed" | "bytes">;
  /** Bytes that wait to be appended. */
  readonly queuedBytes: number;
}

/** Where a read of one partition stands. */
type Standing =
  | { readonly at: "records"; readonly entries: Iterator<Entry, undefined> }
  /** Followed, and nothing new. */
  | { readonly at: "end" }
  /** Nothing can ever come here. */
  | { readonly at: "astray" }
  /** Nothing can be said now; worth another look soon. */
  | { readonly at: "unknown" };

interface Cursor extends LogPosition {
  /** Records before it are known not to count: markers, gaps, aborted ones. */
  offset: number;
  /** Ahead of what has been followed, but confirmed by the partition's leader. */
  confirmed: boolean;
  /** The look at the cluster that is under way. */
  look: Promise<Standing> | undefined;
}

const readCommitted = 1;
const timestampOf = { earliest: -2n, latest: -1n } as const;
/** How long a reader leaves a partition alone that does not exist or is out of reach. */
const secondLookMs = 250;
/** What a read from the cluster may take beyond the wait that was asked for. */
const longestReadMs = 2_000;
/** After a failure, leaders that were looked up longer ago than this are looked up again. */
const staleLeaderMs = 500;

export function createKafkaLog(parts: KafkaLogParts): KafkaLog {
  const { admin, cluster, appender, direct, createTopics, onError } = parts;
  const now = parts.now ?? Date.now;
  const waiters = createWaiters();
  const tail = parts.createTail((partition) => waiters.wake(partition));
  const roundRobin = new Map<string, number>();
  let firstServed = 0;
  let closed = false;
  let closing: Promise<void> | undefined;

  /** Where records of one topic go, by partition: their indexes in the batch. */
  function place(
    topic: KnownTopic,
    records: readonly RecordToAppend[],
    indexes: readonly number[],
    answers: ProduceAnswer[],
  ): Map<number, number[]> {
    const count = topic.leaders.length;
    const byPartition = new Map<number, number[]>();
    for (const index of indexes) {
      const record = records[index];
      if (record === undefined) continue;
      const chosen = choosePartition(record, count, () => nextPartition(topic.name, count));
      if (typeof chosen !== "number") {
        answers[index] = chosen;
        continue;
      }
      const same = byPartition.get(chosen);
      if (same === undefined) byPartition.set(chosen, [index]);
      else same.push(index);
    }
    return byPartition;
  }

  function nextPartition(topic: string, count: number): number {
    const next = (roundRobin.get(topic) ?? 0) % count;
    roundRobin.set(topic, next + 1);
    return next;
  }

  async function produceToTopic(
    name: string,
    records: readonly RecordToAppend[],
    indexes: readonly number[],
    answers: ProduceAnswer[],
  ): Promise<void> {
    const highest = indexes.reduce((most, index) => Math.max(most, records[index]?.partition ?? 0), 0);
    const topic = await findOrCreate(name, highest);
    if ("refused" in topic) {
      for (const index of indexes) answers[index] = topic;
      return;
    }
    const placed = place(topic, records, indexes, answers);
    const settled = await Promise.allSettled(
      Array.from(placed, async ([partition, ofPartition]) => {
        const toAppend = ofPartition.flatMap((index) => records[index] ?? []);
        const appended = await appender.append(name, partition, topic.leaders[partition] ?? -1, toAppend);
        for (const [at, index] of ofPartition.entries()) {
          const answer = appended[at];
          if (answer !== undefined) answers[index] = answer;
        }
      }),
    );
    // Another broker may lead by now; the next produce should know.
    if (settled.some(isRejected) || indexes.some((index) => isUnavailable(answers[index])))
      void cluster.topic(name, staleLeaderMs).catch(() => undefined);
    throwRejected(settled);
  }

  /** As it is known, or as it is: when it is not known to have the partition, it may have grown. */
  async function topicWith(
    name: string,
    partition: number,
    maxAgeMs: number,
  ): Promise<KnownTopic | undefined> {
    const known = await cluster.topic(name);
    return known === undefined || partition < known.leaders.length ? known : cluster.topic(name, maxAgeMs);
  }

  async function findOrCreate(name: string, partition: number): Promise<KnownTopic | Refused> {
    try {
      const topic = await topicWith(name, partition, 0);
      if (topic !== undefined) return topic;
    } catch (cause) {
      // Nothing has been sent yet, so this is certain.
      const refused = cause instanceof Error ? cause.message : String(cause);
      return { refused, why: "unavailable", retryAfter: clusterRetryAfter };
    }
    return createTopics ? cluster.create(name) : invalid(`there is no topic ${name}`);
  }

  /** Without asking the cluster; undefined when that is needed. */
  function standingInRing(cursor: Cursor): Standing | undefined {
    const followed = tail.find(cursor);
    if (followed === undefined || isOtherLog(cursor, followed.topicId)) return undefined;
    const { ring } = followed;
    if (cursor.offset < ring.base) return undefined;
    if (cursor.offset > ring.end) return cursor.confirmed ? { at: "end" } : undefined;
    const entries = ring.from(cursor.offset);
    const first = entries.next().value;
    if (first === undefined) return { at: "end" };
    return { at: "records", entries: startingWith(first, entries) };
  }

  async function standingInCluster(cursor: Cursor, strict: boolean): Promise<Standing> {
    let topic: KnownTopic | undefined;
    try {
      topic = await topicWith(cursor.topic, cursor.partition, staleLeaderMs);
      // The topic may have been deleted and created again a moment ago.
      if (topic !== undefined && isOtherLog(cursor, topic.id)) topic = await cluster.topic(cursor.topic, 0);
    } catch {
      return { at: "unknown" };
    }
    if (isOtherLog(cursor, topic?.id ?? "")) return { at: "astray" };
    if (topic === undefined) return { at: cursor.offset > 0 ? "astray" : "unknown" };
    const leader = topic.leaders[cursor.partition];
    if (leader === undefined) return { at: cursor.offset > 0 ? "astray" : "unknown" };
    const { topic: name, partition, offset } = cursor;
    const outcome = await direct.read(leader, { topic: name, topicId: topic.id, partition, offset });
    switch (outcome.status) {
      case "astray":
        return { at: "astray" };
      case "gone":
      case "moved":
        await cluster.topic(name, 0).catch(() => undefined);
        return { at: "unknown" };
      case "lost":
        cluster.look();
        // Another broker may lead by now.
        await cluster.topic(name, staleLeaderMs).catch(() => undefined);
        return { at: "unknown" };
      case "failed":
        onError(`partition ${name}/${partition} cannot be read at offset ${offset}: ${outcome.reason}`);
        return { at: "unknown" };
      case "read":
        if (outcome.records.length > 0) return { at: "records", entries: entriesOf(outcome.records) };
        cursor.offset = outcome.next;
        if (outcome.next < outcome.end) return standingInCluster(cursor, strict);
        if (strict) return { at: "end" };
        tail.follow(topic, partition, outcome.next);
        cursor.confirmed = true;
        return standingInRing(cursor) ?? { at: "end" };
    }
  }

  /** One look at a time, however often it is given up on. */
  function lookUp(cursor: Cursor, strict: boolean): Promise<Standing> {
    cursor.look ??= standingInCluster(cursor, strict).finally(() => {
      cursor.look = undefined;
    });
    return cursor.look;
  }

  /**
   * The standings that are not known yet, from the cluster. A broker that hangs must hold up neither what the
   * others have nor the end of the wait: unless `strict`, what is not found after `ms`, or 250 ms after the
   * first answer, is `unknown`.
   */
  function lookAt(
    cursors: readonly Cursor[],
    known: readonly (Standing | undefined)[],
    { strict, ms, signal }: { readonly strict: boolean; readonly ms: number; readonly signal: AbortSignal },
  ): Promise<Standing[]> {
    return new Promise((resolve) => {
      const found = [...known];
      const missing = found.filter((standing) => standing === undefined).length;
      let open = missing;
      let timer: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve(found.map((standing) => standing ?? { at: "unknown" }));
      };
      const endWithin = (limitMs: number): void => {
        clearTimeout(timer);
        if (!strict) timer = setTimeout(end, limitMs);
      };
      signal.addEventListener("abort", end);
      endWithin(missing < found.length ? secondLookMs : ms);
      for (const [index, cursor] of cursors.entries()) {
        if (known[index] !== undefined) continue;
        void lookUp(cursor, strict).then((standing) => {
          found[index] = standing;
          open--;
          if (open === 0) end();
          else if (open === found.length - 1) endWithin(secondLookMs);
        });
      }
    });
  }

  async function fetch(
    positions: readonly LogPosition[],
    { timeoutMs, maxBytes, signal, strict = false }: FetchOptions,
  ): Promise<readonly KafkaRecord[]> {
    const deadline = now() + timeoutMs;
    const cursors = positions.map((position): Cursor => ({ ...position, confirmed: false, look: undefined }));
    for (;;) {
      if (closed || signal.aborted) return [];
      // A ring may be behind the partition, which only matters to who must not miss a record.
      const known = cursors.map((cursor) => (strict ? undefined : standingInRing(cursor)));
      const missing = known.some((standing) => standing === undefined);
      const standings = missing
        ? await lookAt(cursors, known, { strict, ms: Math.max(deadline - now(), longestReadMs), signal })
        : (known as Standing[]);
      const sources = standings.flatMap((standing) => (standing.at === "records" ? [standing.entries] : []));
      if (sources.length > 0) return takeInTurn(sources, maxBytes, firstServed++);
      const isOpen = standings.some(({ at }) => at === "unknown");
      if (isOpen && strict) throw unavailable(cluster.trouble() ?? "a partition is out of reach");
      const left = deadline - now();
      if (left <= 0 || standings.some(({ at }) => at === "astray")) return [];
      // What was followed may have got records while another partition was looked up.
      if (missing && cursors.some((cursor) => standingInRing(cursor)?.at === "records")) continue;
      await waiters.wait(positions, isOpen ? Math.min(left, secondLookMs) : left, signal);
    }
  }

  async function offsets(query: OffsetQuery, partitions: readonly TopicPartition[]): Promise<LogOffset[]> {
    const names = [...new Set(partitions.map(({ topic }) => topic))];
    const topics = new Map(
      await Promise.all(names.map(async (name) => [name, await cluster.topic(name, 0)] as const)),
    );
    const existing = partitions.filter(
      ({ topic, partition }) => partition < (topics.get(topic)?.leaders.length ?? 0),
    );
    const timestamp = typeof query === "number" ? BigInt(query) : timestampOf[query];
    let found = await listOffsets(existing, timestamp);
    const isAfterAll = existing.filter((each) => (found.get(partitionName(each)) ?? -1) < 0);
    if (isAfterAll.length > 0)
      found = new Map([...found, ...(await listOffsets(isAfterAll, timestampOf.latest))]);
    return partitions.map(({ topic, partition }) => {
      const offset = found.get(partitionName({ topic, partition }));
      // Deleted since it was looked up: an offset that was made up must not go with the identity of a log.
      const log = offset === undefined ? undefined : topics.get(topic)?.id;
      return { topic, partition, offset: offset ?? 0, log: log ?? "" };
    });
  }

  async function listOffsets(
    partitions: readonly TopicPartition[],
    timestamp: bigint,
  ): Promise<Map<string, number>> {
    if (partitions.length === 0) return new Map();
    const topics = Array.from(
      Map.groupBy(partitions, ({ topic }) => topic),
      ([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
      }),
    );
    try {
      const answer = await patiently(() => admin.listOffsets({ topics, isolationLevel: readCommitted }));
      return new Map(
        answer.flatMap(({ name: topic, partitions: ofTopic }) =>
          ofTopic.map(({ partitionIndex, offset }) => [
            partitionName({ topic, partition: partitionIndex }),
            Number(offset),
          ]),
        ),
      );
    } catch (cause) {
      if (!isUnknownTopic(cause)) throw unavailable(cause);
      // One that was deleted since it was looked up fails the question for all.
      if (topics.length === 1) return new Map();
      const ofTopics = Map.groupBy(partitions, ({ topic }) => topic).values();
      const answers = await Promise.all(Array.from(ofTopics, (each) => listOffsets(each, timestamp)));
      return new Map(answers.flatMap((answer) => [...answer]));
    }
  }

  return {
    get waiting() {
      return waiters.waiting;
    },
    tail,
    get queuedBytes() {
      return appender.queuedBytes;
    },

    async produce(records) {
      const answers: ProduceAnswer[] = [];
      const taken: number[] = [];
      for (const [index, record] of records.entries()) {
        const refused = closed ? refusedByClosing : refusalOf(record);
        if (refused !== undefined) answers[index] = refused;
        else taken.push(index);
      }
      const byTopic = Map.groupBy(taken, (index) => records[index]?.topic ?? "");
      // All settle before an error counts: what a caller is told must not change behind its back.
      throwRejected(
        await Promise.allSettled(
          Array.from(byTopic, ([name, indexes]) => produceToTopic(name, records, indexes, answers)),
        ),
      );
      return answers;
    },

    fetch,
    offsets,
    topics: () => cluster.topics(),
    partitionCount: async (topic, maxAgeMs) => (await cluster.topic(topic, maxAgeMs))?.leaders.length ?? 0,
    trouble: () => (closed ? "the log is closing" : cluster.trouble()),

    close() {
      closed = true;
      waiters.wakeAll();
      tail.close();
      cluster.close();
      closing ??= parts.closeClients();
      return closing;
    },
  };
}

function isRejected(settled: PromiseSettledResult<unknown>): settled is PromiseRejectedResult {
  return settled.status === "rejected";
}

/** One error for all: the first, with everything that the others leave unsettled. */
function throwRejected(settled: readonly PromiseSettledResult<unknown>[]): void {
  const reasons: readonly unknown[] = settled.filter(isRejected).map(({ reason }) => reason as unknown);
  if (reasons.length === 0) return;
  const unsettled = reasons.flatMap((reason) => (reason instanceof LogUnavailable ? reason.unsettled : []));
  throw unsettled.length === 0 ? reasons[0] : unavailable(reasons[0], unsettled);
}

function isUnavailable(answer: ProduceAnswer | undefined): boolean {
  return answer !== undefined && "refused" in answer && answer.why === "unavailable";
}

const refusedByClosing: Refused = {
  refused: "the log is closing",
  why: "unavailable",
  retryAfter: clusterRetryAfter,
};

/** A reader that knows no identity takes any log. */
function isOtherLog({ log }: LogPosition, own: string): boolean {
  return log !== undefined && log !== "" && log !== own;
}

function* startingWith(first: Entry, rest: Iterable<Entry>): Generator<Entry, undefined> {
  yield first;
  yield* rest;
}

function* entriesOf(records: readonly KafkaRecord[]): Generator<Entry, undefined> {
  for (const record of records) yield { record, bytes: recordBytes(record) };
}
