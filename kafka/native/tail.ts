// Follows the ends of partitions that somebody reads: for each broker one loop fetches all of them at once, and
// a second one those that come while it waits; what is new goes into their rings. So a long poll costs no fetch of its own, however many there are.

import type { Consumer } from "@platformatic/kafka";
import { partitionName, type TopicPartition } from "../log/index.ts";
import type { KnownTopic } from "./cluster.ts";
import { readFrom, type ReadOutcome } from "./reader.ts";
import { Ring } from "./ring.ts";

export interface Followed extends TopicPartition {
  readonly topicId: string;
  readonly ring: Ring;
}

export interface Tail {
  /** Undefined when the partition is not followed; asking keeps it followed. */
  find(partition: TopicPartition): Followed | undefined;
  /** Begins to follow, or goes on when it does already. `offset` is the end of the partition, as just read. */
  follow(topic: KnownTopic, partition: number, offset: number): Followed;
  readonly followed: number;
  readonly bytes: number;
  /** The loops end with the fetch they are in. */
  close(): void;
}

export interface TailOptions {
  /** Called when a partition has more to read, or is not followed any more. */
  readonly onChange: (partition: TopicPartition) => void;
  /** Told of what keeps a partition from being read. */
  readonly onError: (message: string) => void;
  /** All rings together, as long as that leaves each 64 KiB. Default 32 MiB. */
  readonly maxBytes?: number;
  readonly now?: () => number;
}

interface Entry extends Followed {
  broker: number;
  /** Epoch ms of the last time anybody asked. */
  askedAt: number;
  inFetch: boolean;
}

/** A fetch without news ends after this: partitions that came meanwhile join the next one. */
const longWaitMs = 500;
/** While two loops are at work for one broker, both wait only this long, so that they soon become one. */
const shortWaitMs = 50;
const fetchBytes = 8 * 1024 * 1024;
/** A partition that nobody has asked for this long is let go, and its ring with it. */
const forgetAfterMs = 60_000;
/** What one ring holds at most, and at least, however many there are: readers at the end need only the newest. */
const ringBytes = { max: 2 * 1024 * 1024, min: 64 * 1024 } as const;

/**
 * `main` follows; `joiner` serves partitions that come while a fetch of `main` is waiting at the broker, where
 * it cannot be called back, until the next fetch of `main` takes them over. They must not share connections.
 */
export function createTail(
  { main, joiner }: { readonly main: Consumer; readonly joiner: Consumer },
  { onChange, onError, maxBytes = 32 * 1024 * 1024, now = Date.now }: TailOptions,
): Tail {
  const entries = new Map<string, Entry>();
  const loops = new Map<number, { readonly wake: () => void }>();
  let closed = false;

  function drop(entry: Entry): void {
    if (entries.get(partitionName(entry)) === entry) entries.delete(partitionName(entry));
    onChange(entry);
  }

  function startLoops(broker: number): { readonly wake: () => void } {
    let mainWait: "none" | "short" | "long" = "none";
    let mainEnded = false;
    let joinerWaits = false;
    let sleepers: (() => void)[] = [];

    const wake = (): void => {
      const woken = sleepers;
      sleepers = [];
      for (const each of woken) each();
    };
    const sleep = (ms?: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
        sleepers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    const ofBroker = (): Entry[] => [...entries.values()].filter((entry) => entry.broker === broker);
    const free = (): Entry[] => ofBroker().filter(({ inFetch }) => !inFetch);

    function forget(): void {
      const oldest = now() - forgetAfterMs;
      for (const entry of free()) if (entry.askedAt < oldest) drop(entry);
    }

    async function fetchOnce(consumer: Consumer, taken: readonly Entry[], maxWaitMs: number): Promise<void> {
      for (const entry of taken) entry.inFetch = true;
      const requests = taken.map(({ topic, topicId, partition, ring }) => ({
        topic,
        topicId,
        partition,
        offset: ring.end,
      }));
      const outcomes = await readFrom(consumer, broker, requests, { maxWaitMs, maxBytes: fetchBytes });
      for (const [index, entry] of taken.entries()) {
        entry.inFetch = false;
        const outcome = outcomes[index];
        if (outcome !== undefined) settle(entry, outcome);
      }
    }

    async function follow(): Promise<void> {
      while (!closed && ofBroker().length > 0) {
        forget();
        const taken = free();
        if (taken.length === 0) {
          await sleep();
          continue;
        }
        mainWait = joinerWaits ? "short" : "long";
        await fetchOnce(main, taken, joinerWaits ? shortWaitMs : longWaitMs);
        mainWait = "none";
        wake();
      }
    }

    async function join(): Promise<void> {
      while (!mainEnded) {
        const taken = mainWait === "long" ? free() : [];
        if (taken.length === 0) {
          await sleep();
          continue;
        }
        joinerWaits = true;
        await fetchOnce(joiner, taken, shortWaitMs);
        joinerWaits = false;
        wake();
      }
    }

    async function run(): Promise<void> {
      const joining = join();
      await follow();
      mainEnded = true;
      wake();
      await joining;
      loops.delete(broker);
      // One may have come while the loops were ending.
      if (!closed && ofBroker().length > 0) loops.set(broker, startLoops(broker));
    }

    void run();
    return { wake };
  }

  function settle(entry: Entry, outcome: ReadOutcome): void {
    switch (outcome.status) {
      case "read": {
        if (outcome.next === entry.ring.end) return;
        entry.ring.append(outcome.records, outcome.next, share());
        if (outcome.records.length > 0) onChange(entry);
        return;
      }
      case "failed":
        if (!closed) onError(`partition ${partitionName(entry)} cannot be read: ${outcome.reason}`);
        break;
      case "lost":
      case "astray":
      case "gone":
      case "moved":
    }
    // Whoever reads it looks the partition up again and finds its present leader, start and identity.
    drop(entry);
  }

  /** Bytes that one ring may hold now: an equal share, within its bounds. */
  function share(): number {
    return Math.max(ringBytes.min, Math.min(ringBytes.max, maxBytes / entries.size));
  }

  return {
    find(partition) {
      const entry = entries.get(partitionName(partition));
      if (entry !== undefined) entry.askedAt = now();
      return entry;
    },

    follow({ name, id, leaders }, partition, offset) {
      const key = partitionName({ topic: name, partition });
      const known = entries.get(key);
      const broker = leaders[partition] ?? -1;
      if (known !== undefined && known.topicId === id && known.broker === broker) return known;
      const entry: Entry = {
        topic: name,
        topicId: id,
        partition,
        ring: new Ring(offset),
        broker,
        askedAt: now(),
        inFetch: false,
      };
      entries.set(key, entry);
      // Room for the new one; a quiet partition would otherwise keep what it once was given.
      for (const { ring } of entries.values()) ring.append([], ring.end, share());
      const loop = loops.get(broker);
      if (loop !== undefined) loop.wake();
      else if (!closed) loops.set(broker, startLoops(broker));
      return entry;
    },

    get followed() {
      return entries.size;
    },

    get bytes() {
      let bytes = 0;
      for (const { ring } of entries.values()) bytes += ring.bytes;
      return bytes;
    },

    close() {
      closed = true;
      for (const loop of loops.values()) loop.wake();
    },
  };
}
