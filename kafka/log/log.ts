// A log as an interface: what a backend must do and what each call promises. It
// knows nothing of HTTP or JSON, and chooses no backend. Consumer groups are groups.ts.

import type { KafkaRecord, NewRecord, RefusalReason } from "../../protocol/index.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** As a key. Topic names hold no slash, so no two partitions share one. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** `log` is the identity of the log that the offset belongs to; absent or empty when the reader knows none. */
export interface LogPosition extends TopicPartition {
  readonly offset: number;
  readonly log?: string;
}

/** Start, end (the offset that is written next), or the first offset whose timestamp is not before this epoch ms. */
export type OffsetQuery = "earliest" | "latest" | number;

/** Offset 0 and an empty `log` when the partition does not exist. */
export interface LogOffset extends TopicPartition {
  readonly offset: number;
  readonly log: string;
}

/** `timestamp` is epoch ms; without it the log takes the time of the append. */
export interface RecordToAppend extends NewRecord {
  readonly timestamp?: number;
}

export interface Appended extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * A record that was not appended. `invalid`, `too-large` and `forbidden` stay refused until the record or the topic
 * changes; `unavailable` may pass. `retryAfter` is in seconds and never 0, so that nobody spins on it.
 */
export interface Refused {
  readonly refused: string;
  readonly why: RefusalReason;
  readonly retryAfter: number;
}

export type ProduceAnswer = Appended | Refused;

export interface FetchOptions {
  /** How long an empty answer may take. */
  readonly timeoutMs: number;
  /** Keys, values and headers in one answer; a single record may be larger. */
  readonly maxBytes: number;
  /** Ends the wait at once with an empty answer. */
  readonly signal: AbortSignal;
  /** Throws `LogUnavailable` when a partition is out of reach, where an empty answer would be taken for the end. */
  readonly strict?: boolean;
}

/** The log is out of reach for now, and what was asked cannot be answered without it. */
export class LogUnavailable extends Error {
  /** Seconds, never 0. */
  readonly retryAfter: number;
  /** Of a produce: ends of what was written, but may not be read yet, nor be there to stay. */
  readonly unsettled: readonly LogPosition[];

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly retryAfter?: number;
      readonly unsettled?: readonly LogPosition[];
    } = {},
  ) {
    super(message, options);
    this.name = "LogUnavailable";
    this.retryAfter = options.retryAfter ?? 1;
    this.unsettled = options.unsettled ?? [];
  }
}

export interface Log {
  /**
   * Appends what can be appended; one answer per record, in order. A topic that does not exist is created.
   * Appended means: survives the end of this process, as far as the backend keeps anything at all.
   * Throws `LogUnavailable` when that cannot be told: then any of the records may have been written.
   */
  produce(records: readonly RecordToAppend[]): Promise<readonly ProduceAnswer[]>;
  /**
   * Records from these positions on, in offset order within a partition; waits for the first one. A
   * partition that does not exist reads as empty, and so does one that is out of reach until the timeout: a
   * reader need not tell a quiet log from a lost one. A position whose `log` is another one, or whose offset
   * is outside the partition, ends the wait at once: nothing can ever come there.
   */
  fetch(positions: readonly LogPosition[], options: FetchOptions): Promise<readonly KafkaRecord[]>;
  /** One answer per partition, in order. Throws `LogUnavailable`. */
  offsets(query: OffsetQuery, partitions: readonly TopicPartition[]): Promise<readonly LogOffset[]>;
  /** Partition count by topic. Throws `LogUnavailable`. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /**
   * 0 for a topic that does not exist. `maxAgeMs`: how old the answer may be, where the backend keeps answers
   * for a while. Throws `LogUnavailable`.
   */
  partitionCount(topic: string, maxAgeMs?: number): Promise<number>;
  /** What keeps the log from being used at this moment, in words for an operator; undefined when nothing does. */
  trouble(): string | undefined;
  /** Ends waiting fetches with an empty answer and refuses later produces. A second call does nothing. */
  close(): Promise<void>;
}
