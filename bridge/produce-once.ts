// Absorbs repeated produces: a record with an X-Produce-ID that its topic has taken within the window is not
// appended again, and answered as the first time. A wrapper around any log; without that header it does nothing.

import { createHash } from "node:crypto";
import { readHeader, recordHeaders, type NewRecord } from "../protocol/index.ts";
import {
  LogUnavailable,
  type Appended,
  type Log,
  type LogOffset,
  type LogPosition,
  type ProduceAnswer,
  type RecordToAppend,
} from "../kafka/log/index.ts";

export interface ProduceOnceOptions {
  /** How long a repeat is recognised. Default 60,000. */
  readonly windowMs?: number;
  /** Remembered per topic, oldest forgotten first. Default 100,000. */
  readonly maxEntries?: number;
  /** Epoch ms. */
  readonly now?: () => number;
}

/** An attempt that failed in a way that leaves open whether the record was appended. */
interface Lost {
  /** Ends of what may have been written: until the log reaches them, it does not show what became of it. */
  readonly unsettled: readonly LogPosition[];
  /** The record's own, epoch ms; without one it got that of its append. */
  readonly timestamp: number | undefined;
}

type Attempt = Promise<ProduceAnswer> | Lost;

interface Entry {
  /** Epoch ms of the first attempt. */
  readonly at: number;
  /** Of the first attempt, which may still be in flight: a repeat that comes meanwhile waits for the same one. */
  attempt: Attempt;
}

interface Window {
  /** By ID, in the order of their time. */
  readonly entries: Map<string, Entry>;
  /** The records from before this process have been looked through. */
  isRebuilt: boolean;
  rebuilding: Promise<void> | undefined;
}

/** IDs longer than this are remembered by their digest, so that the bound in entries is one in bytes. */
const maxIdLength = 128;
const rebuildBytes = 4 * 1024 * 1024;

/**
 * The window of a topic is rebuilt from the topic's own tail before its first produce is taken, and again
 * before a repeat of an attempt that was lost: then the records themselves say whether it was appended. A
 * refused attempt is forgotten, and its repeat tried again. Produces throw `LogUnavailable` while the tail
 * cannot be read. Repeats that reach another process are not recognised.
 */
export function produceOnce(log: Log, options: ProduceOnceOptions = {}): Log {
  const windowMs = options.windowMs ?? 60_000;
  const maxEntries = options.maxEntries ?? 100_000;
  const now = options.now ?? Date.now;
  const startedAt = now();
  const windows = new Map<string, Window>();

  /** What has run out is at the front. */
  function forget({ entries }: Window, room: number): void {
    const oldest = now() - windowMs;
    for (const [id, entry] of entries) {
      if (entry.at > oldest && entries.size + room <= maxEntries) return;
      entries.delete(id);
    }
  }

  function windowOf(topic: string): Window {
    const known = windows.get(topic);
    if (known !== undefined) return known;
    // Names without a window in use are let go here, or every refused topic would stay behind as one.
    for (const [name, window] of windows) {
      forget(window, 0);
      if (window.entries.size === 0 && window.rebuilding === undefined && !needsOlder()) windows.delete(name);
    }
    const window: Window = { entries: new Map(), isRebuilt: false, rebuilding: undefined };
    windows.set(topic, window);
    return window;
  }

  /** Whether repeats of what another process appended before this one can still come. */
  function needsOlder(): boolean {
    return now() - startedAt < windowMs;
  }

  function recall(window: Window, id: string): Entry | undefined {
    forget(window, 0);
    return window.entries.get(id);
  }

  function remember(window: Window, id: string, entry: Entry): void {
    forget(window, 1);
    window.entries.set(id, entry);
  }

  /** Ends when everything that these records repeat is known. */
  async function prepare(records: readonly RecordToAppend[]): Promise<void> {
    const stale = new Set<string>();
    for (const record of records) {
      const id = produceIdOf(record);
      if (id === undefined) continue;
      const window = windowOf(record.topic);
      const isFirst = !window.isRebuilt && needsOlder();
      const known = recall(window, id);
      if (isFirst || (known !== undefined && isLost(known.attempt))) stale.add(record.topic);
    }
    await Promise.all(Array.from(stale, (topic) => rebuild(topic, windowOf(topic))));
  }

  function rebuild(topic: string, window: Window): Promise<void> {
    window.rebuilding ??= readTail(topic, window).finally(() => (window.rebuilding = undefined));
    return window.rebuilding;
  }

  async function readTail(topic: string, window: Window): Promise<void> {
    const oldest = now() - windowMs;
    const lost = new Map(
      [...window.entries].flatMap(([id, { at, attempt }]) =>
        isLost(attempt) ? [[id, { at, ...attempt }] as const] : [],
      ),
    );
    // Records can be dated back by their producers.
    const since = [...lost.values()].reduce(
      (first, { timestamp = first }) => Math.min(first, timestamp),
      oldest,
    );
    const count = await log.partitionCount(topic);
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    const starts = await log.offsets(since, partitions);
    const ends = await log.offsets("latest", partitions);
    const reached = (position: LogPosition): boolean =>
      (ends.find(({ partition }) => partition === position.partition)?.offset ?? 0) >= position.offset;
    // A record that is not confirmed yet cannot be read: not to find it says nothing.
    if (![...lost.values()].every(({ unsettled }) => unsettled.every(reached)))
      throw new LogUnavailable(`topic ${topic} has records that are not confirmed yet`);
    const found = await collect(starts, ends);
    // A lost attempt that left no record was not appended: its repeat is a first one.
    for (const id of lost.keys()) {
      const known = window.entries.get(id);
      if (known !== undefined && isLost(known.attempt)) window.entries.delete(id);
    }
    found.sort((one, other) => one.answer.timestamp - other.answer.timestamp);
    for (const { id, answer } of found) {
      // A record dated ahead by its producer is as old as now, or it would keep later ones from being forgotten.
      const at = lost.get(id)?.at ?? Math.min(answer.timestamp, now());
      if (at > oldest && recall(window, id) === undefined)
        remember(window, id, { at, attempt: Promise.resolve(answer) });
    }
    window.isRebuilt = true;
  }

  /** Reads from `starts` up to `ends`, all partitions together. */
  async function collect(starts: readonly LogOffset[], ends: readonly LogOffset[]): Promise<Found[]> {
    const { signal } = new AbortController();
    const found: Found[] = [];
    const next = starts.map(({ offset }) => offset);
    for (;;) {
      const open = starts.flatMap(({ topic, partition }, index) => {
        const offset = next[index] ?? 0;
        return offset < (ends[index]?.offset ?? 0) ? [{ topic, partition, offset }] : [];
      });
      if (open.length === 0) return found;
      const records = await log.fetch(open, { timeoutMs: 0, maxBytes: rebuildBytes, signal, strict: true });
      // What retention has taken meanwhile cannot be rebuilt, and what is left may be no records at all.
      if (records.length === 0) return found;
      for (const record of records) {
        const { topic, partition, offset, timestamp } = record;
        const index = starts.findIndex((start) => start.partition === partition);
        next[index] = offset + 1;
        const id = produceIdOf(record);
        if (id !== undefined && offset < (ends[index]?.offset ?? 0))
          found.push({ id, answer: { topic, partition, offset, timestamp } });
      }
    }
  }

  async function produce(records: readonly RecordToAppend[]): Promise<readonly ProduceAnswer[]> {
    await prepare(records);
    const fresh: RecordToAppend[] = [];
    const firsts: {
      readonly window: Window;
      readonly id: string;
      readonly entry: Entry;
      readonly at: number;
    }[] = [];
    const answers: Promise<ProduceAnswer>[] = [];
    // Begins when the loop below has run to its end, and so has gathered what is fresh.
    const attempt = Promise.resolve().then(() => (fresh.length === 0 ? [] : log.produce(fresh)));
    const answerOf = (at: number): Promise<ProduceAnswer> =>
      attempt.then((all) => {
        const answer = all[at];
        if (answer === undefined) throw new RangeError("the log answered fewer records than it was given");
        return answer;
      });

    for (const record of records) {
      const id = produceIdOf(record);
      const window = id === undefined ? undefined : windowOf(record.topic);
      const known = id === undefined || window === undefined ? undefined : recall(window, id);
      if (known !== undefined && !isLost(known.attempt)) {
        answers.push(known.attempt);
        continue;
      }
      const answer = answerOf(fresh.length);
      answers.push(answer);
      if (id !== undefined && window !== undefined) {
        const entry: Entry = { at: now(), attempt: answer };
        window.entries.delete(id);
        remember(window, id, entry);
        firsts.push({ window, id, entry, at: fresh.length });
      }
      fresh.push(record);
    }

    attempt.then(
      (all) => {
        for (const { window, id, entry, at } of firsts) {
          const answer = all[at];
          const isRefused = answer === undefined || "refused" in answer;
          if (isRefused && window.entries.get(id) === entry) window.entries.delete(id);
        }
      },
      (cause: unknown) => {
        const unsettled = cause instanceof LogUnavailable ? cause.unsettled : [];
        for (const { entry, at } of firsts)
          entry.attempt = { unsettled: unsettledOf(fresh[at], unsettled), timestamp: fresh[at]?.timestamp };
      },
    );
    return Promise.all(answers);
  }

  return { ...log, produce };
}

function isLost(attempt: Attempt): attempt is Lost {
  return !(attempt instanceof Promise);
}

function unsettledOf(
  record: RecordToAppend | undefined,
  unsettled: readonly LogPosition[],
): readonly LogPosition[] {
  return unsettled.filter(({ topic }) => topic === record?.topic);
}

interface Found {
  readonly id: string;
  readonly answer: Appended;
}

function produceIdOf(record: Pick<NewRecord, "headers">): string | undefined {
  const id = readHeader(record.headers, recordHeaders.produceId);
  if (id === undefined || id === "") return undefined;
  return id.length <= maxIdLength ? id : createHash("sha256").update(id).digest("base64");
}
