// What of each partition is done, and telling Kafka so: soon after it changed, and not more often than pays.

import { partitionName, type CommittedOffset, type TopicPartition } from "../kafka/log/index.ts";
import type { KafkaRecord } from "../protocol/index.ts";
import { Progress } from "./progress.ts";

export interface Commits {
  /** False for a record that was taken before: reading started over. */
  take(record: KafkaRecord): boolean;
  /** Once for each record taken; its offset is committed as soon as all before it are finished, too. */
  finish(record: KafkaRecord): void;
  /** Partitions were dealt out anew; reading starts at what is committed. */
  reassign(): void;
  /** Resolves when no partition is too far ahead of its commit, or after `release`. */
  room(): Promise<void>;
  /** Lets who waits for room go on, now and later. */
  release(): void;
  /** Where all is finished before and nothing is committed yet. */
  uncommitted(): readonly CommittedOffset[];
  /** Commits where it stands, changed or not: a sign of life. */
  renew(): Promise<void>;
  /** Commits what is finished, if it can be. Nothing is committed by itself any more. */
  close(): Promise<void>;
}

/** After a crash no more than this is done again. */
const commitEveryMs = 200;
/**
 * One request that takes long keeps all behind it uncommitted; this many, and no more is read. They are what a
 * crash would do again, and their offsets are in memory.
 */
const mostAhead = 10_000;

/** `commit` as of `ResponderKafka`; `onStall` is told of the partition that reading pauses for. */
export function createCommits(
  commit: (offsets: readonly CommittedOffset[]) => Promise<boolean>,
  onStall: (place: CommittedOffset) => void,
): Commits {
  const partitions = new Map<string, TopicPartition & { readonly progress: Progress }>();
  let timer: NodeJS.Timeout | undefined;
  let committing: Promise<void> = Promise.resolve();
  let waiting: (() => void)[] = [];
  let released = false;
  let closed = false;

  function offsets(of: (progress: Progress) => number | undefined): readonly CommittedOffset[] {
    return [...partitions.values()].flatMap(({ topic, partition, progress }) => {
      const offset = of(progress);
      return offset === undefined ? [] : [{ topic, partition, offset }];
    });
  }

  const uncommitted = (): readonly CommittedOffset[] => offsets((progress) => progress.uncommitted());

  async function commitThese(chosen: readonly CommittedOffset[]): Promise<void> {
    if (chosen.length === 0 || !(await commit(chosen))) return;
    for (const each of chosen) partitions.get(partitionName(each))?.progress.commit(each.offset);
    for (const resolve of waiting.splice(0)) resolve();
  }

  function schedule(): void {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      committing = commitThese(uncommitted()).finally(() => {
        timer = undefined;
        // What failed, and what was finished meanwhile.
        if (uncommitted().length > 0) schedule();
      });
    }, commitEveryMs);
  }

  const tooFar = () => [...partitions.values()].find(({ progress }) => progress.ahead >= mostAhead);

  return {
    take(record) {
      const { topic, partition, offset, timestamp } = record;
      const name = partitionName(record);
      const known = partitions.get(name) ?? { topic, partition, progress: new Progress() };
      partitions.set(name, known);
      return known.progress.take(offset, timestamp);
    },

    finish(record) {
      partitions.get(partitionName(record))?.progress.finish(record.offset, record.timestamp);
      schedule();
    },

    reassign() {
      for (const { progress } of partitions.values()) progress.reassign();
      for (const resolve of waiting.splice(0)) resolve();
    },

    async room() {
      const first = tooFar();
      if (first === undefined || released) return;
      const { topic, partition, progress } = first;
      onStall({ topic, partition, offset: progress.position() ?? 0 });
      while (tooFar() !== undefined && !released) await new Promise<void>((resolve) => waiting.push(resolve));
    },

    release() {
      released = true;
      for (const resolve of waiting.splice(0)) resolve();
    },

    uncommitted,
    renew: () => commitThese(offsets((progress) => progress.position())),

    async close() {
      closed = true;
      clearTimeout(timer);
      await committing;
      await commitThese(uncommitted());
    },
  };
}
