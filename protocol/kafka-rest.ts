// The JSON shapes under the bridge's `/hearback` prefix: the Upstash Kafka REST API with record keys,
// values and header values in base64, log identities, and refusals as ordinary answers.
// Both ends of that wire import this file; docs/protocol.md describes it in prose.

import { fromBase64, toBase64 } from "./base64.ts";
import type { KafkaRecord, NewRecord, RecordHeader } from "./record.ts";

/** Path prefix that selects these shapes. */
export const hearbackPrefix = "/hearback";

/**
 * HTTP header of a consume's answer: which dealing-out of the group's partitions its records belong to. A commit that
 * sends it back is refused with 409 when partitions were dealt out anew since.
 */
export const assignmentHeader = "hearback-assignment";

export interface WireHeader {
  readonly key: string;
  readonly value: string;
}

export interface WireNewRecord {
  readonly topic: string;
  readonly partition?: number;
  readonly key?: string | null;
  readonly value: string | null;
  readonly headers?: readonly WireHeader[];
}

export interface WireRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly WireHeader[];
}

/**
 * Why a record was not appended. All but `unavailable` stay so until the record or the topic changes.
 * `invalid`: it makes no sense · `too-large`: for the API or the topic · `forbidden`: by the cluster or the bridge.
 */
export const refusalReasons = ["invalid", "too-large", "forbidden", "unavailable"] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** One element per record posted to `/hearback/produce`, in request order. `retryAfter` is in seconds. */
export type WireProduceAnswer =
  | {
      readonly topic: string;
      readonly partition: number;
      readonly offset: number;
      readonly timestamp: number;
    }
  | { readonly refused: string; readonly why: RefusalReason; readonly retryAfter: number };

/**
 * Where to read from. `log` is the identity the offset belongs to: when the partition's log is another
 * one, or the offset lies outside it, the answer is `[]` at once instead of a wait for what cannot come.
 */
export interface WirePosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly log?: string;
}

/** Element of the answer of `/hearback/offsets/{earliest|latest|epoch ms}`. */
export interface WireOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Identity of the log: changes when the topic is deleted and created again. */
  readonly log: string;
}

/** Those who read a topic, as their consumer group shows them: the answer of `GET /hearback/group/{group}/{topic}?unread-ms=N`. */
export interface GroupState {
  /** Of the group, whatever they read now; 1 where it is only known that there are some, 0: nobody reads. */
  readonly members: number;
  /** Some record of the topic is older than was asked for and not committed, in a partition where something is. */
  readonly isBehind: boolean;
}

function toWireHeaders(headers: readonly RecordHeader[]): WireHeader[] {
  return headers.map(({ key, value }) => ({ key, value: toBase64(value) }));
}

export function toWireNewRecord(record: NewRecord): WireNewRecord {
  return {
    topic: record.topic,
    ...(record.partition === undefined ? {} : { partition: record.partition }),
    key: record.key === null ? null : toBase64(record.key),
    value: record.value === null ? null : toBase64(record.value),
    headers: toWireHeaders(record.headers),
  };
}

export function toWireRecord(record: KafkaRecord): WireRecord {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: record.key === null ? null : toBase64(record.key),
    value: record.value === null ? null : toBase64(record.value),
    headers: toWireHeaders(record.headers),
  };
}

/** Throws a TypeError when the peer sent something that is not base64: a broken peer, not an ordinary fate. */
export function fromWireRecord(wire: WireRecord): KafkaRecord {
  return {
    topic: wire.topic,
    partition: wire.partition,
    offset: wire.offset,
    timestamp: wire.timestamp,
    key: wire.key === null ? null : bytesOf(wire.key),
    value: wire.value === null ? null : bytesOf(wire.value),
    headers: wire.headers.map(({ key, value }) => ({ key, value: bytesOf(value) })),
  };
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new TypeError("the Kafka REST peer sent text that is not base64");
  return bytes;
}
