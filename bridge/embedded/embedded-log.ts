// The log kept by this process itself: topics, partition choice, retention and waiting reads. Records live
// in memory; a store, if given, keeps a copy that outlives the process (log-files.ts is one).

import { randomUUID } from "node:crypto";
import type { KafkaRecord } from "../../protocol/index.ts";
import {
  type Log,
  type LogPosition,
  type ProduceAnswer,
  type RecordToAppend,
  type Refused,
  type TopicPartition,
  choosePartition,
  invalid,
  isTopicName,
  refusalOf,
  takeInTurn,
  type Entry,
  createWaiters,
} from "../../kafka/log/index.ts";
import { createPartitionLog, type PartitionLog } from "./partition-log.ts";

export interface StoredTopic {
  readonly name: string;
  /** Identity of the topic's log. */
  readonly id: string;
  readonly partitions: number;
}

/** Where a copy of the log is kept. Calls are synchronous, so that nothing comes between a record and its copy. */
export interface LogStore {
  topics(): readonly StoredTopic[];
  /** Every batch of kept records, oldest first. Called once per partition, before any append to it. */
  read(topic: StoredTopic, partition: number): Iterable<readonly KafkaRecord[]>;
  /** Replaces the list of topics. Throws when it cannot be kept. */
  saveTopics(topics: readonly StoredTopic[]): void;
  /** Throws when the records cannot be kept; then none of them is. */
  append(topic: StoredTopic, partition: number, records: readonly KafkaRecord[]): void;
  /** Records before `offset` are of no use any more. */
  drop(topic: StoredTopic, partition: number, offset: number): void;
  close(): void;
}

export interface EmbeddedLogOptions {
  /** Partition counts of topics that exist from the start. A count below the present one is ignored. */
  readonly topics?: ReadonlyMap<string, number>;
  /** Of topics created by their first record. Default 3. */
  readonly defaultPartitions?: number;
  /** Kept per partition, counting 64 bytes per record on top of its own. Default 64 MiB. */
  readonly retentionBytes?: number;
  /** Default 1,000. */
  readonly maxTopics?: number;
  /** Epoch ms. */
  readonly now?: () => number;
  readonly store?: LogStore;
}

export interface EmbeddedLog extends Log {
  /** Fetches that are waiting now. */
  readonly waiting: number;
  /** As `partitionCount`, at once. */
  countPartitions(topic: string): number;
  /** As `topics` of the options, at any later time. Throws like them. */
  declareTopics(topics: ReadonlyMap<string, number>): void;
  /** Calls `listener` for every topic that is created or grows from now on, before its first record is appended. */
  onTopicCreated(listener: (topic: string) => void): void;
}

interface Topic {
  stored: StoredTopic;
  readonly partitions: PartitionLog[];
  /** Where the next record without a key goes. */
  roundRobin: number;
}

interface Placed {
  readonly topic: Topic;
  readonly partition: number;
}

const maxPartitions = 1_000;
/** Seconds after which a full disk may have been cleared. */
const storeRetryAfter = 5;

/** Throws when a declared topic breaks the rules or the store cannot be read. */
export function openEmbeddedLog(options: EmbeddedLogOptions = {}): EmbeddedLog {
  const defaultPartitions = options.defaultPartitions ?? 3;
  const retentionBytes = options.retentionBytes ?? 64 * 1024 * 1024;
  const maxTopics = options.maxTopics ?? 1_000;
  const now = options.now ?? Date.now;
  const { store } = options;
  const topics = new Map<string, Topic>();
  const waiters = createWaiters();
  const creationListeners: ((topic: string) => void)[] = [];
  let firstServed = 0;
  let closed = false;

  for (const stored of store?.topics() ?? []) topics.set(stored.name, loadTopic(stored));
  declareTopics(options.topics ?? new Map());

  function loadTopic(stored: StoredTopic): Topic {
    const partitions = Array.from({ length: stored.partitions }, (_, partition) => {
      const log = createPartitionLog(retentionBytes);
      for (const batch of store?.read(stored, partition) ?? []) log.append(batch);
      return log;
    });
    return { stored, partitions, roundRobin: 0 };
  }

  function declareTopics(declared: ReadonlyMap<string, number>): void {
    const changed: string[] = [];
    for (const [name, count] of declared) {
      if (!isTopicName(name)) throw new RangeError(`"${name}" cannot be a topic name`);
      if (!Number.isInteger(count) || count < 1 || count > maxPartitions) {
        throw new RangeError(
          `topic ${name} cannot have ${count} partitions: 1 to ${maxPartitions} are possible`,
        );
      }
      const topic = topics.get(name);
      if (topic === undefined) {
        topics.set(name, newTopic(name, count));
        changed.push(name);
      } else if (count > topic.partitions.length) {
        topic.stored = { ...topic.stored, partitions: count };
        while (topic.partitions.length < count) topic.partitions.push(createPartitionLog(retentionBytes));
        changed.push(name);
      }
    }
    if (topics.size > maxTopics) throw new RangeError(`${topics.size} topics are more than ${maxTopics}`);
    if (changed.length > 0) saveTopics();
    for (const name of changed) for (const listener of creationListeners) listener(name);
  }

  function countPartitions(topic: string): number {
    return topics.get(topic)?.partitions.length ?? 0;
  }

  function newTopic(name: string, count: number): Topic {
    return {
      stored: { name, id: randomUUID(), partitions: count },
      partitions: Array.from({ length: count }, () => createPartitionLog(retentionBytes)),
      roundRobin: 0,
    };
  }

  function saveTopics(): void {
    store?.saveTopics(Array.from(topics.values(), ({ stored }) => stored));
  }

  /** Where the record goes; its topic is created when it is the first one there. */
  function place(record: RecordToAppend): Placed | Refused {
    const refusal = refusalOf(record);
    if (refusal !== undefined) return refusal;
    const known = topics.get(record.topic);
    const count = known?.partitions.length ?? defaultPartitions;
    // Before the topic is created: a record that is refused anyway must not leave one behind.
    const turn = known?.roundRobin ?? 0;
    const partition = choosePartition(record, count, () => turn);
    if (typeof partition !== "number") return partition;
    const topic = known ?? createTopic(record.topic);
    if ("refused" in topic) return topic;
    if (record.partition === undefined && record.key === null) topic.roundRobin = (turn + 1) % count;
    return { topic, partition };
  }

  function createTopic(name: string): Topic | Refused {
    if (topics.size >= maxTopics) return invalid(`there are ${maxTopics} topics already`);
    const topic = newTopic(name, defaultPartitions);
    topics.set(name, topic);
    try {
      saveTopics();
    } catch (cause) {
      topics.delete(name);
      return unavailable(cause);
    }
    for (const listener of creationListeners) listener(name);
    return topic;
  }

  /** One write to the store per partition; refused as a whole when it fails. */
  function append(
    { topic, partition }: Placed,
    records: readonly RecordToAppend[],
  ): readonly ProduceAnswer[] {
    const log = topic.partitions[partition];
    if (log === undefined) throw new RangeError("a record was placed in a partition that does not exist");
    const at = now();
    const first = log.end;
    const appended = records.map(({ key, value, headers, timestamp }, index): KafkaRecord => ({
      topic: topic.stored.name,
      partition,
      offset: first + index,
      timestamp: timestamp ?? at,
      key,
      value,
      headers,
    }));
    try {
      store?.append(topic.stored, partition, appended);
    } catch (cause) {
      const refusal = unavailable(cause);
      return records.map(() => refusal);
    }
    const earliest = log.earliest;
    log.append(appended);
    if (log.earliest !== earliest) store?.drop(topic.stored, partition, log.earliest);
    return appended.map(({ offset, timestamp }) => ({
      topic: topic.stored.name,
      partition,
      offset,
      timestamp,
    }));
  }

  /** What is there now. `astray`: a position where nothing can ever come. */
  function read(
    positions: readonly LogPosition[],
    maxBytes: number,
  ): { readonly records: KafkaRecord[]; readonly astray: boolean } {
    let astray = false;
    const sources: Iterator<Entry, undefined>[] = [];
    for (const { topic: name, partition, offset, log: identity } of positions) {
      const topic = topics.get(name);
      const log = topic?.partitions[partition];
      const own = log === undefined ? "" : topic?.stored.id;
      const isOtherLog = identity !== undefined && identity !== "" && identity !== own;
      if (isOtherLog || offset < (log?.earliest ?? 0) || offset > (log?.end ?? 0)) astray = true;
      else if (log !== undefined && offset < log.end) sources.push(log.from(offset));
    }
    return { records: takeInTurn(sources, maxBytes, firstServed++), astray };
  }

  function offsetOf(query: "earliest" | "latest" | number, log: PartitionLog): number {
    if (query === "earliest") return log.earliest;
    return query === "latest" ? log.end : log.offsetAt(query);
  }

  return {
    get waiting() {
      return waiters.waiting;
    },

    declareTopics,

    onTopicCreated(listener) {
      creationListeners.push(listener);
    },

    async produce(records) {
      if (closed)
        return records.map(() => ({ refused: "the log is closing", why: "unavailable", retryAfter: 1 }));
      const answers: ProduceAnswer[] = [];
      const batches = new Map<
        PartitionLog,
        { placed: Placed; indexes: number[]; records: RecordToAppend[] }
      >();
      for (const [index, record] of records.entries()) {
        const placed = place(record);
        if ("refused" in placed) {
          answers[index] = placed;
          continue;
        }
        const log = placed.topic.partitions[placed.partition];
        if (log === undefined) throw new RangeError("a record was placed in a partition that does not exist");
        const batch = batches.get(log);
        if (batch === undefined) batches.set(log, { placed, indexes: [index], records: [record] });
        else {
          batch.indexes.push(index);
          batch.records.push(record);
        }
      }
      const grown: TopicPartition[] = [];
      for (const { placed, indexes, records: ofPartition } of batches.values()) {
        for (const [at, answer] of append(placed, ofPartition).entries()) {
          const index = indexes[at];
          if (index !== undefined) answers[index] = answer;
        }
        grown.push({ topic: placed.topic.stored.name, partition: placed.partition });
      }
      // After the whole batch, so that a fetch over several partitions answers with all of it.
      for (const partition of grown) waiters.wake(partition);
      return answers;
    },

    async fetch(positions, { timeoutMs, maxBytes, signal }) {
      const found = read(positions, maxBytes);
      if (found.records.length > 0 || found.astray || timeoutMs <= 0 || closed) return found.records;
      await waiters.wait(positions, timeoutMs, signal);
      return signal.aborted ? [] : read(positions, maxBytes).records;
    },

    async offsets(query, partitions) {
      return partitions.map(({ topic: name, partition }) => {
        const topic = topics.get(name);
        const log = topic?.partitions[partition];
        if (topic === undefined || log === undefined) return { topic: name, partition, offset: 0, log: "" };
        return { topic: name, partition, offset: offsetOf(query, log), log: topic.stored.id };
      });
    },

    async topics() {
      return new Map(Array.from(topics, ([name, { partitions }]) => [name, partitions.length]));
    },

    countPartitions,
    partitionCount: async (topic) => countPartitions(topic),

    trouble() {
      return closed ? "the log is closing" : undefined;
    },

    async close() {
      if (closed) return;
      closed = true;
      waiters.wakeAll();
      store?.close();
    },
  };
}

function unavailable(cause: unknown): Refused {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return { refused: `the log cannot be written: ${reason}`, why: "unavailable", retryAfter: storeRetryAfter };
}
