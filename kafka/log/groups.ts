// Consumer groups as a backend must offer them: who is a member, which partitions it reads, what was committed.
// How records are read and when positions are committed is not a backend's business: consumers.ts does that.

import type { TopicPartition } from "./log.ts";

export interface CommittedOffset extends TopicPartition {
  /** As it was given to `commit`; -1 where nothing is committed. */
  readonly offset: number;
}

export interface JoinOptions {
  readonly group: string;
  /** Static membership: whoever joins with the same name takes the place of the one before. */
  readonly instance: string;
  readonly topics: readonly string[];
  /** How long the group waits for a member that fell silent. */
  readonly sessionTimeoutMs: number;
  /**
   * Asked just before partitions of this member go to another, by a backend that can: what it answers is
   * committed first, so that the other goes on where this one was. A backend that cannot never asks.
   */
  readonly uncommitted?: () => readonly CommittedOffset[];
}

/** One instance in one group, for as long as it lives. */
export interface Member {
  /** What it reads now. Empty while the group forms, or when there are more members than partitions. */
  readonly partitions: readonly TopicPartition[];
  /** Rises whenever partitions are dealt out, also when that leaves this member with the same ones. */
  readonly assignment: number;
  /** Ends at the next change of `partitions`, or on abort. */
  nextAssignment(signal: AbortSignal): Promise<void>;
  /** Offsets of partitions that it does not read any more are left out. Throws `LogUnavailable`. */
  commit(offsets: readonly CommittedOffset[]): Promise<void>;
  /** True once another took its place or the group removed it: it will read nothing again. */
  readonly isLost: boolean;
  /** Its partitions go to the others at once. A second call does nothing. */
  leave(): Promise<void>;
}

export interface GroupDescription {
  readonly name: string;
  readonly instances: readonly {
    readonly name: string;
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  }[];
}

export interface Groups {
  /** Does not wait for the group to form. Throws `LogUnavailable`. */
  join(options: JoinOptions): Promise<Member>;
  /** One answer per partition, in order. Throws `LogUnavailable`. */
  committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]>;
  /** 0 for a group that does not exist; 1 where it is only known that there are some. Throws `LogUnavailable`. */
  memberCount(group: string): Promise<number>;
  /** Groups with members, by name. Throws `LogUnavailable`. */
  describe(): Promise<readonly GroupDescription[]>;
  /** Ends a membership, whichever process holds it. False when there is none. Throws `LogUnavailable`. */
  remove(group: string, instance: string): Promise<boolean>;
  /** Lets all members leave. A second call does nothing. */
  close(): Promise<void>;
}
