// What of each partition is done, and telling Kafka so: soon after it changed, and not more often than pays.

import { partitionName, type CommittedOffset, type TopicPartition } from "../kafka/log/index.ts";
import type { KafkaRecord } from "../protocol/index.ts";
import { Progress } from "./progress.ts";

export interface Commits {
  /** False for a record that was taken before: reading started over. */
  take(record: KafkaRecord): boolean;
  /** Once for each record taken; its offset is committed as soon as all before it are finished, too. */
  finish(record: KafkaRecord): void;
  /** Commits what is finished, if it can be. Nothing is committed by itself any more. */
  close(): Promise<void>;
}

/** After a crash no more than this is done again. */
const commitEveryMs = 200;

/** `commit` as of `ResponderKafka`. */
export function createCommits(commit: (offsets: readonly CommittedOffset[]) => Promise<boolean>): Commits {
  const partitions = new Map<string, TopicPartition & { readonly progress: Progress }>();
  let timer: NodeJS.Timeout | undefined;
  let committing: Promise<void> = Promise.resolve();
  let closed = false;

  async function commitFinished(): Promise<void> {
    const offsets = [...partitions.values()].flatMap(({ topic, partition, progress }) => {
      const offset = progress.uncommitted();
      return offset === undefined ? [] : [{ topic, partition, offset }];
    });
    if (offsets.length === 0) return;
    // What failed is committed with what is finished next.
    if (!(await commit(offsets))) return;
    for (const each of offsets) partitions.get(partitionName(each))?.progress.commit(each.offset);
  }

  function schedule(): void {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      committing = commitFinished().finally(() => {
        timer = undefined;
      });
    }, commitEveryMs);
  }

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

    async close() {
      closed = true;
      clearTimeout(timer);
      await committing;
      await commitFinished();
    },
  };
}
