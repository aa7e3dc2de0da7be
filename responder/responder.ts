// A responder: reads a request topic, asks a handler, writes the replies where the requests want them. It
// reads by offset through Kafka REST and keeps no place across restarts: on start it reads the recent past,
// skips what has expired, and what was answered already is answered again, as a duplicate.

import {
  checkPosition,
  createUpstashKafka,
  startPosition,
  type KafkaPort,
  type KafkaRestCredentials,
  type LogPosition,
} from "../kafka/index.ts";
import {
  decodeReplyAddress,
  encodeReply,
  isExpired,
  type KafkaRecord,
  type NewRecord,
  type Reply,
  type ReplyAddress,
} from "../protocol/index.ts";
import { failedReply, refusedReply, toMessage, toReply, type Handler } from "./message.ts";

export interface ResponderOptions {
  readonly kafka: KafkaRestCredentials;
  /** Request topic; all its partitions are read. */
  readonly topic: string;
  readonly handler: Handler;
  /**
   * Requests handled at once; while that many are under way nothing more is read.
   * @default 256
   */
  readonly concurrency?: number;
  /**
   * How far back the first read goes, in ms.
   * @default 600000
   */
  readonly lookbackMs?: number;
  /** Name of this instance, sent as `X-Responder`. */
  readonly name?: string;
  /** A handler threw, or Kafka did not answer. Without it both go to `console.error`. */
  readonly onError?: (cause: unknown, correlationId?: string) => void;
}

/** What became of the requests read. `unanswerable`: the record named no usable reply address. */
export interface ResponderCounts {
  readonly received: number;
  readonly replied: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unanswerable: number;
  readonly unsent: number;
}

export interface Responder {
  /** Reads until `stop`; resolves when everything taken up is finished. A second call joins the first. */
  run(): Promise<void>;
  /** Takes up nothing more; `run` resolves when what is under way is answered. A second call is a no-op. */
  stop(): void;
  readonly counts: ResponderCounts;
}

const pollWaitMs = 5_000;
const callTimeoutMs = 3_000;
const pauseMs = 250;
/** How often the topic is looked at for new partitions. */
const lookAgainMs = 30_000;
/** How long a reply without a deadline is tried to be written. */
const unboundedReplyMs = 30_000;

export function createResponder(options: ResponderOptions): Responder {
  const { handler, topic, concurrency = 256, lookbackMs = 600_000, name } = options;
  const onError = options.onError ?? ((cause: unknown) => console.error("hearback responder:", cause));
  const kafka = createUpstashKafka(options.kafka);
  const counts = { received: 0, replied: 0, failed: 0, skipped: 0, unanswerable: 0, unsent: 0 };
  const underWay = new Set<Promise<void>>();
  let running: Promise<void> | undefined;
  let stopping = false;
  let giveUpPoll = (): void => {};
  let finished = (): void => {};

  async function read(): Promise<void> {
    let positions: readonly LogPosition[] = [];
    while (!stopping) {
      positions = await place(kafka, topic, positions, lookbackMs, onError);
      positions = await readFrom(positions);
      // Kafka did not answer, or answered that a position is gone; either way look again, unhurried.
      if (!stopping) await pause(pauseMs);
    }
    await Promise.all(underWay);
  }

  /** Reads on until a poll fails, comes back empty too soon, or it is time to look for new partitions. */
  async function readFrom(from: readonly LogPosition[]): Promise<readonly LogPosition[]> {
    let positions = from;
    const lookAgainAt = Date.now() + lookAgainMs;
    while (Date.now() < lookAgainAt && positions.length > 0 && !stopping) {
      const startedAt = Date.now();
      const poll = await unlessStopped(kafka.fetch(positions, pollWaitMs));
      if (poll === undefined) return positions;
      if (poll.status === "unreachable") {
        onError(poll.cause);
        return positions;
      }
      for (const record of poll.value) {
        while (underWay.size >= concurrency) await nextFinished();
        if (stopping) return positions;
        takeUp(record);
      }
      positions = advance(positions, poll.value);
      if (poll.value.length === 0 && Date.now() - startedAt < pollWaitMs / 2) return positions;
    }
    return positions;
  }

  function unlessStopped<T>(call: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      giveUpPoll = () => resolve(undefined);
      call.then(resolve, reject);
    });
  }

  function takeUp(record: KafkaRecord): void {
    const work = answer(record).finally(() => {
      underWay.delete(work);
      finished();
    });
    underWay.add(work);
  }

  function nextFinished(): Promise<void> {
    return new Promise((resolve) => {
      finished = resolve;
    });
  }

  async function answer(record: KafkaRecord): Promise<void> {
    const receivedAt = Date.now();
    counts.received++;
    const address = decodeReplyAddress(record.headers);
    if (address === undefined) {
      counts.unanswerable++;
      return;
    }
    if (isExpired(address, receivedAt)) {
      counts.skipped++;
      return;
    }
    const reply = await handle(record, address);
    const until = address.deadlineAt ?? receivedAt + unboundedReplyMs;
    const write = (one: Reply) =>
      send(
        encodeReply(address, record.headers, {
          ...one,
          sequence: 0,
          ...(name === undefined ? {} : { responder: name }),
          receivedAt,
          repliedAt: Date.now(),
        }),
        until,
        address.correlationId,
      );
    // A reply that Kafka will not take, too large perhaps, must not leave its caller waiting.
    if ((await write(reply)) || (await write(refusedReply))) counts.replied++;
    else counts.unsent++;
  }

  async function handle(record: KafkaRecord, address: ReplyAddress): Promise<Reply> {
    try {
      return toReply(await handler(toMessage(record, address)));
    } catch (cause) {
      counts.failed++;
      onError(cause, address.correlationId);
      return failedReply;
    }
  }

  /**
   * False when Kafka refused the record for longer than anybody waits, or did not answer until then. Repeats are
   * safe: the bridge absorbs them by `X-Produce-ID`.
   */
  async function send(reply: NewRecord, until: number, correlationId: string): Promise<boolean> {
    for (;;) {
      const outcome = await kafka.produce(reply, callTimeoutMs);
      if (outcome.status === "appended") return true;
      const waitMs = outcome.status === "refused" ? outcome.retryAfter * 1_000 : pauseMs;
      if (Date.now() + waitMs >= until) {
        onError(
          outcome.status === "refused" ? outcome.reason : "Kafka did not take the reply",
          correlationId,
        );
        return false;
      }
      await pause(waitMs);
    }
  }

  function run(): Promise<void> {
    return (running ??= read());
  }

  function stop(): void {
    stopping = true;
    giveUpPoll();
  }

  return { run, stop, counts };
}

/** Keeps what is still true of `known`, and starts anew where it is not: at the end, or earlier by time. */
async function place(
  kafka: KafkaPort,
  topic: string,
  known: readonly LogPosition[],
  lookbackMs: number,
  onError: (cause: unknown) => void,
): Promise<readonly LogPosition[]> {
  const topics = await kafka.topics(callTimeoutMs);
  if (topics.status === "unreachable") {
    onError(topics.cause);
    return known;
  }
  const partitions = Array.from({ length: topics.value.get(topic) ?? 0 }, (_, partition) => ({
    topic,
    partition,
  }));
  if (partitions.length === 0) return [];
  const latest = await kafka.offsets("latest", partitions, callTimeoutMs);
  const earliest = await kafka.offsets("earliest", partitions, callTimeoutMs);
  const recent = await kafka.offsets(Date.now() - lookbackMs, partitions, callTimeoutMs);
  if (latest.status !== "read" || earliest.status !== "read" || recent.status !== "read") return known;
  return latest.value.flatMap((end) => {
    const same = (one: LogPosition): boolean => one.partition === end.partition;
    const before = known.find(same);
    const start = earliest.value.find(same);
    const window = recent.value.find(same);
    if (start === undefined || window === undefined) return [];
    if (before !== undefined && checkPosition(before, start, end) === "valid") return [before];
    return [{ topic, partition: end.partition, ...startPosition(end, window) }];
  });
}

function advance(positions: readonly LogPosition[], read: readonly KafkaRecord[]): readonly LogPosition[] {
  return positions.map((position) => {
    const last = read.findLast(({ partition }) => partition === position.partition);
    return last === undefined ? position : { ...position, offset: last.offset + 1 };
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
