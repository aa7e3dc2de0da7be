// What the kit needs of Kafka: the next requests of this member of the group, commits, replies, and how many
// partitions a topic has. Two adapters: the cluster itself, and the bridge over HTTP. None of the calls rejects
// for what may pass by itself; while Kafka is out of reach, they say so in their answers.

import type { KafkaConnection } from "../kafka/native/index.ts";
import type { CommittedOffset } from "../kafka/log/index.ts";
import type { KafkaRecord, NewRecord, RefusalReason } from "../protocol/index.ts";
import { createBridgeKafka } from "./bridge-kafka.ts";
import { createNativeKafka } from "./native-kafka.ts";

export type { KafkaConnection };

/** The bridge, for development without a cluster, or where only HTTP gets through. */
export interface BridgeConnection {
  /** Base URL of the bridge. */
  readonly bridge: string;
  readonly username: string;
  readonly password: string;
}

export type ReplyFate =
  | { readonly status: "appended" }
  /** `unavailable` may pass; the other reasons stay until the record or the topic changes. */
  | { readonly status: "refused"; readonly why: RefusalReason; readonly reason: string }
  /** It may have been written. */
  | { readonly status: "unknown"; readonly reason: string };

export interface ResponderKafka {
  /** Waits for the first record; empty after some seconds, on abort, and while Kafka is out of reach. */
  consume(signal: AbortSignal): Promise<readonly KafkaRecord[]>;
  /** False when it failed for now. Partitions that somebody else reads by now are left out. */
  commit(offsets: readonly CommittedOffset[]): Promise<boolean>;
  produce(record: NewRecord): Promise<ReplyFate>;
  /** 0 for a topic that does not exist, undefined while nobody can say. `maxAgeMs`: how old the answer may be. */
  partitionCount(topic: string, maxAgeMs: number): Promise<number | undefined>;
  /** Leaves the group. A second call waits for the same end. */
  close(): Promise<void>;
}

export interface MembershipOptions {
  readonly topics: readonly string[];
  readonly group: string;
  /** Name of this member, unique in the group: one that comes back under its name gets its partitions back. */
  readonly instance: string;
  readonly sessionTimeoutMs: number;
  /** Where a group without a committed offset begins. */
  readonly startAt: "earliest" | "latest";
  /** Told when Kafka is lost and when it is reached again, in words. */
  readonly onConnection: (message: string) => void;
}

export function openResponderKafka(
  connection: KafkaConnection | BridgeConnection,
  options: MembershipOptions,
): ResponderKafka {
  return "bridge" in connection
    ? createBridgeKafka(connection, options)
    : createNativeKafka(connection, options);
}
