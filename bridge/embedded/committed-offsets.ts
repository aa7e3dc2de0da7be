// What groups have committed: in memory, and in a store if there is one. Who may commit is not decided here.

import {
  type CommittedOffset,
  LogUnavailable,
  partitionName,
  type TopicPartition,
} from "../../kafka/log/index.ts";
import type { OffsetsStore } from "./offsets-file.ts";

export interface CommittedOffsets {
  /** -1 where nothing is committed. */
  of(group: string, partition: TopicPartition): number;
  /**
   * Visible at once; resolves when it is stored. Rejects with `LogUnavailable` when it cannot be: it is then
   * stored with a later one, if any.
   */
  commit(group: string, offsets: readonly CommittedOffset[]): Promise<void>;
  /** Resolves when nothing waits to be stored. */
  flush(): Promise<void>;
}

export interface CommittedOffsetsOptions {
  /** The group that committed longest ago is forgotten beyond this. */
  readonly maxGroups: number;
  readonly store?: OffsetsStore;
}

/** Throws when the store cannot be read. */
export function openCommittedOffsets({ maxGroups, store }: CommittedOffsetsOptions): CommittedOffsets {
  // In the order of the groups' latest commits.
  const groups = new Map<string, Map<string, CommittedOffset>>();
  for (const { group, offsets } of store?.read() ?? []) put(group, offsets);
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function put(group: string, offsets: readonly CommittedOffset[]): void {
    const known = groups.get(group) ?? new Map<string, CommittedOffset>();
    for (const { topic, partition, offset } of offsets) {
      known.set(partitionName({ topic, partition }), { topic, partition, offset });
    }
    groups.delete(group);
    groups.set(group, known);
    for (const oldest of groups.keys()) {
      if (groups.size <= maxGroups) break;
      groups.delete(oldest);
    }
  }

  async function write(): Promise<void> {
    const stored = Array.from(groups, ([group, offsets]) => ({ group, offsets: [...offsets.values()] }));
    try {
      await store?.save(stored);
    } catch (cause) {
      throw new LogUnavailable("committed offsets cannot be stored", { cause, retryAfter: 5 });
    }
  }

  /**
   * One write at a time. All that is committed while it runs shares the next one, so however many commit, the
   * file is not written more often than it can be, and a commit waits for two writes at most.
   */
  function save(): Promise<void> {
    if (store === undefined) return Promise.resolve();
    if (writing !== undefined) {
      next ??= writing.then(startWrite, startWrite);
      return next;
    }
    return startWrite();
  }

  function startWrite(): Promise<void> {
    next = undefined;
    const own = write().finally(() => {
      if (writing === own) writing = undefined;
    });
    writing = own;
    return own;
  }

  return {
    of: (group, partition) => groups.get(group)?.get(partitionName(partition))?.offset ?? -1,

    commit(group, offsets) {
      if (offsets.length === 0) return Promise.resolve();
      put(group, offsets);
      return save();
    },

    async flush() {
      await (next ?? writing);
    },
  };
}
