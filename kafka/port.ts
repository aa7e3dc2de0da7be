// What Hearback needs from Kafka, and nothing more: produce one record, read from offsets, ask where a
// log begins and ends, and whether a group reads. It joins no group: replies are read by offset, which is safe to repeat.

import type { GroupState, KafkaRecord, NewRecord, ProduceOutcome } from "../protocol/index.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `log` is the identity of the log the offset belongs to; empty when the backend cannot tell. */
export interface LogPosition extends TopicPartition {
  readonly offset: number;
  readonly log: string;
}

/** Start of the log, end of the log, or the first offset whose timestamp is not before this epoch ms. */
export type OffsetQuery = "earliest" | "latest" | number;

/** `unreachable`: no usable answer before the deadline of the call. */
export type KafkaRead<T> =
  | { readonly status: "read"; readonly value: T }
  | { readonly status: "unreachable"; readonly cause: unknown };

export interface KafkaPort {
  /**
   * Appends one record, acknowledged by all in-sync replicas. May be repeated when the record carries
   * `X-Produce-ID`. Never throws: silence past `timeoutMs` is `unknown`, since the record may be written.
   */
  produce(record: NewRecord, timeoutMs: number): Promise<ProduceOutcome>;
  /**
   * Records from these positions on, in offset order within a partition; waits up to `waitMs` for the
   * first. An empty answer before that time means that a position does not exist (any more).
   */
  fetch(positions: readonly LogPosition[], waitMs: number): Promise<KafkaRead<readonly KafkaRecord[]>>;
  offsets(
    query: OffsetQuery,
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<KafkaRead<readonly LogPosition[]>>;
  /** Partition count by topic. */
  topics(timeoutMs: number): Promise<KafkaRead<ReadonlyMap<string, number>>>;
  /** `unreachable` also where the peer is too old to tell. `unreadMs`: the age from which on a record counts. */
  groupState(
    group: string,
    topic: string,
    unreadMs: number,
    timeoutMs: number,
  ): Promise<KafkaRead<GroupState>>;
}
