// Finds the records of one exchange in the log, newest stretch of time first. It holds one answer of the bridge
// and what it found, however long the log is; what a record must be to count is matches.ts.

import type { KafkaPort, KafkaRead, LogPosition, OffsetQuery, TopicPartition } from "../../kafka/index.ts";
import { readHeader, recordBytes, recordHeaders, type KafkaRecord } from "../../protocol/index.ts";
import { belongsTo, windowStarts } from "./matches.ts";

export interface Wanted {
  readonly id: string;
  readonly requestTopics: readonly string[];
  readonly replyTopics: readonly string[];
  readonly sinceMs: number;
}

export interface Found {
  /** More than one where a request was attempted again. By time. */
  readonly requests: readonly KafkaRecord[];
  readonly replies: readonly KafkaRecord[];
  /** Records read. */
  readonly searched: number;
  /** Topics that were looked for and are not there. */
  readonly absent: readonly string[];
  /** Records of the exchange for which there was no room. */
  readonly omitted: number;
}

/** What is found is kept, up to this: thousands of plain replies, or 32 of the largest. */
const keptBytes = 32 * 1_048_576;
const callTimeoutMs = 10_000;
/** How long the bridge may look for a record where there seems to be none. */
const emptyWaitMs = 1_000;
const attempts = 3;
const pauseMs = 500;
/** How often a long stretch says that it goes on. */
const progressEveryMs = 2_000;
/** How much earlier than its request a reply may be, by the clocks of those who wrote them. */
const clockSkewMs = 60_000;

/** `progress` is told, line by line, what was searched. Rejects with a sentence when the bridge does not answer. */
export async function searchLog(
  kafka: KafkaPort,
  { id, requestTopics, replyTopics, sinceMs }: Wanted,
  now: number,
  progress: (line: string) => void,
): Promise<Found> {
  const found: KafkaRecord[] = [];
  let foundBytes = 0;
  let omitted = 0;
  let searched = 0;
  let reportedAt = Date.now();
  const existing = await answerOf(() => kafka.topics(callTimeoutMs));
  const isRequest = ({ topic }: KafkaRecord): boolean => requestTopics.includes(topic);

  function take(record: KafkaRecord): void {
    searched++;
    if (!belongsTo(id, record)) return;
    foundBytes += recordBytes(record);
    if (foundBytes > keptBytes) omitted++;
    else found.push(record);
  }

  function report(where: string): void {
    reportedAt = Date.now();
    progress(`${where}: ${searched} records read`);
  }

  /** Until `enough`, or the last window. */
  async function searchTopics(
    names: readonly string[],
    starts: readonly number[],
    enough: () => boolean,
  ): Promise<void> {
    const partitions = names.flatMap((topic) =>
      Array.from({ length: existing.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
    );
    if (partitions.length === 0) return;
    let ends = await offsetsOf(kafka, "latest", partitions);
    for (const start of starts) {
      const begins = await offsetsOf(kafka, start, partitions);
      const where = `${names.join(", ")} back to ${new Date(start).toISOString()}`;
      await readBetween(kafka, begins, ends, (records) => {
        for (const record of records) take(record);
        if (Date.now() - reportedAt > progressEveryMs) report(`on the way, ${where}`);
      });
      report(where);
      if (enough()) return;
      ends = ends.map((end) => ({ ...end, offset: Math.min(end.offset, beginOf(begins, end)) }));
    }
  }

  const known = [...new Set([...requestTopics, ...replyTopics])];
  await searchTopics(known, windowStarts(now, sinceMs), () => found.some(isRequest));
  // A sidecar, or an earlier config, may have wanted its replies elsewhere.
  const requests = found.filter(isRequest);
  const named = requests.flatMap(({ headers }) => readHeader(headers, recordHeaders.replyTopic) ?? []);
  const others = [...new Set(named)].filter((topic) => !known.includes(topic));
  const earliest = Math.min(...requests.map(({ timestamp }) => timestamp));
  if (others.length > 0) await searchTopics(others, [earliest - clockSkewMs], () => true);

  const byTime = found.toSorted((one, other) => one.timestamp - other.timestamp);
  return {
    requests: byTime.filter(isRequest),
    replies: byTime.filter((record) => !isRequest(record)),
    searched,
    absent: [...known, ...others].filter((topic) => !existing.has(topic)),
    omitted,
  };
}

/** Every record from `begins` up to, not including, `ends`. */
async function readBetween(
  kafka: KafkaPort,
  begins: readonly LogPosition[],
  ends: readonly LogPosition[],
  take: (records: readonly KafkaRecord[]) => void,
): Promise<void> {
  const isOpen = (position: LogPosition): boolean => position.offset < beginOf(ends, position);
  let open: readonly LogPosition[] = begins.filter(isOpen);
  while (open.length > 0) {
    const from = open;
    const records = await answerOf(() => kafka.fetch(from, emptyWaitMs));
    if (records.length === 0) {
      open = await afterGap(kafka, open);
      continue;
    }
    take(records.filter((record) => record.offset < beginOf(ends, record)));
    open = open
      .map((position) => {
        const last = records.findLast((record) => isSame(record, position));
        return last === undefined ? position : { ...position, offset: last.offset + 1 };
      })
      .filter(isOpen);
  }
}

/**
 * Where to read on when nothing came: at the start of a partition whose oldest records went away meanwhile. Where
 * none did, the rest of the range holds no records, only marks of Kafka's own or what compaction left.
 */
async function afterGap(kafka: KafkaPort, open: readonly LogPosition[]): Promise<readonly LogPosition[]> {
  const earliest = await offsetsOf(kafka, "earliest", open);
  const moved = open.map((position) => {
    const start = earliest.find((one) => isSame(one, position));
    return start !== undefined && start.offset > position.offset ? start : position;
  });
  return moved.some((position, at) => position !== open[at]) ? moved : [];
}

function offsetsOf(
  kafka: KafkaPort,
  query: OffsetQuery,
  partitions: readonly TopicPartition[],
): Promise<readonly LogPosition[]> {
  return answerOf(() => kafka.offsets(query, partitions, callTimeoutMs));
}

/** Reads may be repeated: they change nothing. */
async function answerOf<T>(ask: () => Promise<KafkaRead<T>>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.status === "read") return answer.value;
    if (attempt === attempts) throw new Error(messageOf(answer.cause), { cause: answer.cause });
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // What fetch throws says nothing; what made it fail does.
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

function isSame(one: TopicPartition, other: TopicPartition): boolean {
  return one.topic === other.topic && one.partition === other.partition;
}

function beginOf(positions: readonly LogPosition[], partition: TopicPartition): number {
  return positions.find((position) => isSame(position, partition))?.offset ?? 0;
}
