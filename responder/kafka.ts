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

export interface Consumed {
  readonly records: readonly KafkaRecord[];
  /** Partitions were dealt out anew: these records, and all that follow, begin at what is committed. */
  readonly isReassigned: boolean;
}

export interface ResponderKafka {
  /** Within this time it wants a commit, changed or not, when nothing is consumed; else the membership ends. */
  readonly renewEveryMs?: number;
  /** Waits for the first record; empty after some seconds, on abort, and while Kafka is out of reach. */
  consume(signal: AbortSignal): Promise<Consumed>;
  /** False when it failed for now, or partitions were dealt out anew since the last `consume` was answered. */
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
  /** Asked when partitions are to be dealt out anew, as long as they are still this member's. */
  readonly uncommitted: () => readonly CommittedOffset[];
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
