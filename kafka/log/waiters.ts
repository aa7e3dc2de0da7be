// Who waits for which partition. It wakes by name, so that a fetch can wait for a topic that does not
// exist yet; what a woken fetch then reads is up to the log.

import { partitionName, type TopicPartition } from "./log.ts";

export interface Waiters {
  /** Waits that have not ended. */
  readonly waiting: number;
  /** Ends when one of `partitions` is woken, after `timeoutMs`, on abort, or with `wakeAll`. */
  wait(partitions: readonly TopicPartition[], timeoutMs: number, signal: AbortSignal): Promise<void>;
  wake(partition: TopicPartition): void;
  wakeAll(): void;
}

export function createWaiters(): Waiters {
  type End = () => void;
  const all = new Set<End>();
  const byPartition = new Map<string, Set<End>>();

  return {
    get waiting() {
      return all.size;
    },

    wait(partitions, timeoutMs, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        const names = partitions.map(partitionName);
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          all.delete(end);
          for (const name of names) {
            const ends = byPartition.get(name);
            ends?.delete(end);
            if (ends?.size === 0) byPartition.delete(name);
          }
          resolve();
        };
        const timer = setTimeout(end, timeoutMs);
        signal.addEventListener("abort", end);
        all.add(end);
        for (const name of names) {
          const ends = byPartition.get(name);
          if (ends === undefined) byPartition.set(name, new Set([end]));
          else ends.add(end);
        }
      });
    },

    wake(partition) {
      const ends = byPartition.get(partitionName(partition));
      // Each end takes itself out of the set, which iteration over a Set allows.
      if (ends !== undefined) for (const end of ends) end();
    },

    wakeAll() {
      for (const end of all) end();
    },
  };
}
