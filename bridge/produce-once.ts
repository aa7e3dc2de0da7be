// Absorbs repeated produces: a record with an X-Produce-ID that its topic has taken within the window is not
// appended again, and answered as the first time. A wrapper around any log; without that header it does nothing.

import { createHash } from "node:crypto";
import { readHeader, recordHeaders, type NewRecord } from "../protocol/index.ts";
import type { Appended, Log, LogPosition, ProduceAnswer, RecordToAppend } from "./log.ts";

export interface ProduceOnceOptions {
  /** How long a repeat is recognised. Default 60,000. */
  readonly windowMs?: number;
  /** Remembered per topic, oldest forgotten first. Default 100,000. */
  readonly maxEntries?: number;
  /** Epoch ms. */
  readonly now?: () => number;
}

interface Entry {
  /** Epoch ms of the first attempt. */
  readonly at: number;
  /** Of the first attempt, which may still be in flight: a repeat that comes meanwhile waits for the same one. */
  readonly answer: Promise<ProduceAnswer>;
}

/** IDs longer than this are remembered by their digest, so that the bound in entries is one in bytes. */
const maxIdLength = 128;
const rebuildBytes = 4 * 1024 * 1024;

/**
 * Resolves when the window has been rebuilt from the log's own records, so that no repeat of a produce from
 * before a restart slips in. A refused attempt is forgotten: its repeat is tried again. Rejects when the log
 * cannot be read.
 */
export async function produceOnce(log: Log, options: ProduceOnceOptions = {}): Promise<Log> {
  const windowMs = options.windowMs ?? 60_000;
  const maxEntries = options.maxEntries ?? 100_000;
  const now = options.now ?? Date.now;
  const byTopic = new Map<string, Map<string, Entry>>();

  /** Entries lie in the order of their time, so what has run out is at the front. */
  function forget(entries: Map<string, Entry>, room: number): void {
    const oldest = now() - windowMs;
    for (const [id, entry] of entries) {
      if (entry.at > oldest && entries.size + room <= maxEntries) return;
      entries.delete(id);
    }
  }

  function remember(topic: string, id: string, entry: Entry): void {
    const entries = byTopic.get(topic) ?? new Map<string, Entry>();
    forget(entries, 1);
    entries.set(id, entry);
    byTopic.set(topic, entries);
  }

  function recall(topic: string, id: string): Entry | undefined {
    const entries = byTopic.get(topic);
    if (entries === undefined) return undefined;
    forget(entries, 0);
    return entries.get(id);
  }

  /** Forgets an attempt that was refused or failed. */
  function settle(topic: string, id: string, entry: Entry, answer: ProduceAnswer | undefined): void {
    if (answer !== undefined && !("refused" in answer)) return;
    const entries = byTopic.get(topic);
    if (entries?.get(id) === entry) entries.delete(id);
    // A name that was refused must not stay behind as an empty window.
    if (entries?.size === 0) byTopic.delete(topic);
  }

  async function produce(records: readonly RecordToAppend[]): Promise<readonly ProduceAnswer[]> {
    const fresh: RecordToAppend[] = [];
    const firsts: {
      readonly topic: string;
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
      const known = id === undefined ? undefined : recall(record.topic, id);
      if (known !== undefined) {
        answers.push(known.answer);
        continue;
      }
      const answer = answerOf(fresh.length);
      answers.push(answer);
      if (id !== undefined) {
        const entry: Entry = { at: now(), answer };
        remember(record.topic, id, entry);
        firsts.push({ topic: record.topic, id, entry, at: fresh.length });
      }
      fresh.push(record);
    }

    attempt.then(
      (all) => {
        for (const { topic, id, entry, at } of firsts) settle(topic, id, entry, all[at]);
      },
      () => {
        for (const { topic, id, entry } of firsts) settle(topic, id, entry, undefined);
      },
    );
    return Promise.all(answers);
  }

  async function rebuild(): Promise<void> {
    const since = now() - windowMs;
    const partitions = Array.from(await log.topics(), ([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    ).flat();
    const starts = await log.offsets(since, partitions);
    const ends = await log.offsets("latest", partitions);
    const found: { readonly id: string; readonly answer: Appended }[] = [];
    for (const [index, start] of starts.entries()) {
      const end = ends[index]?.offset ?? 0;
      for (let offset = start.offset; offset < end;) {
        const next = await collect({ ...start, offset }, end, found);
        // Retention has overtaken us: what is gone cannot be rebuilt.
        if (next === offset) break;
        offset = next;
      }
    }
    found.sort((one, other) => one.answer.timestamp - other.answer.timestamp);
    for (const { id, answer } of found) {
      // A record dated ahead by its producer is as old as now, or it would keep later ones from being forgotten.
      const at = Math.min(answer.timestamp, now());
      if (at > since && recall(answer.topic, id) === undefined)
        remember(answer.topic, id, { at, answer: Promise.resolve(answer) });
    }
  }

  /** Reads one answer's worth from `position`; returns the offset after it. */
  async function collect(
    position: LogPosition,
    end: number,
    found: { readonly id: string; readonly answer: Appended }[],
  ): Promise<number> {
    const signal = new AbortController().signal;
    const records = await log.fetch([position], { timeoutMs: 0, maxBytes: rebuildBytes, signal });
    for (const record of records) {
      const id = produceIdOf(record);
      if (id === undefined || record.offset >= end) continue;
      const { topic, partition, offset, timestamp } = record;
      found.push({ id, answer: { topic, partition, offset, timestamp } });
    }
    return (records.at(-1)?.offset ?? position.offset - 1) + 1;
  }

  await rebuild();
  return {
    produce,
    fetch: (positions, fetchOptions) => log.fetch(positions, fetchOptions),
    offsets: (query, partitions) => log.offsets(query, partitions),
    topics: () => log.topics(),
    trouble: () => log.trouble(),
    close: () => log.close(),
  };
}

function produceIdOf(record: Pick<NewRecord, "headers">): string | undefined {
  const id = readHeader(record.headers, recordHeaders.produceId);
  if (id === undefined || id === "") return undefined;
  return id.length <= maxIdLength ? id : createHash("sha256").update(id).digest("base64");
}
