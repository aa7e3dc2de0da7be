// A responder: takes requests of its share of the topics, has them handled, and says what is done. What becomes of a
// single request is answer.ts; Kafka is behind kafka.ts.

import { isCancel, readHeader, readWholeNumber, recordHeaders, type KafkaRecord } from "../protocol/index.ts";
import { createAnswerer } from "./answer.ts";
import { createCommits } from "./commits.ts";
import { openResponderKafka } from "./kafka.ts";
import { createLanes } from "./lanes.ts";
import { settleOptions, type ResponderOptions } from "./options.ts";
import { createTally, type Fate, type ResponderCounts } from "./tally.ts";

export interface Responder {
  /** Reads until `stop`; resolves when everything taken up is finished and committed. A second call joins the first. */
  run(): Promise<void>;
  /** Takes up nothing more; `run` resolves when what is under way is answered. A second call is a no-op. */
  stop(): void;
  readonly counts: ResponderCounts;
  /** The figures in the text format of Prometheus. Names begin with `hearback_responder_`. */
  metrics(): Promise<string>;
}

/**
 * Joins its group when it runs, not before. Every request is handled at least once: again after a crash between its
 * reply and the commit. Throws a RangeError for options that make no sense.
 */
export function createResponder<Input = undefined>(options: ResponderOptions<Input>): Responder {
  const settled = settleOptions(options);
  const { topics, group, name, concurrency, order, sessionTimeoutMs, startAt, onEvent } = settled;
  const lanes = createLanes(concurrency, order);
  const tally = createTally({
    running: { help: "Requests that are handled.", read: () => lanes.running },
    queued: { help: "Requests that wait for earlier ones of their key.", read: () => lanes.queued },
  });
  const stopped = new AbortController();
  let running: Promise<void> | undefined;

  async function answerUntilStopped(): Promise<void> {
    const kafka = openResponderKafka(settled.kafka, {
      topics,
      group,
      instance: name,
      sessionTimeoutMs,
      startAt,
      onConnection: (message) => onEvent({ type: "connection", message }),
    });
    const commits = createCommits((offsets) => kafka.commit(offsets));
    const answerer = createAnswerer(kafka, settled, tally);

    function takeUp(record: KafkaRecord): void {
      if (!commits.take(record)) {
        tally.repeated();
        return;
      }
      const receivedAt = Date.now();
      tally.received(ageOf(record, receivedAt));
      const finish = (fate: Fate): void => {
        tally.finished(fate, Date.now() - receivedAt);
        commits.finish(record);
      };
      if (isCancel(record.headers)) {
        answerer.cancel(readHeader(record.headers, recordHeaders.correlationId) ?? "");
        finish("cancel");
        return;
      }
      answerer.expect(record);
      lanes.start(keyOf(record), async () => finish(await answerer.answer(record, receivedAt)));
    }

    while (!stopped.signal.aborted) {
      await lanes.room();
      for (const record of await kafka.consume(stopped.signal)) {
        await lanes.room();
        // What is left of the batch is not committed; whoever reads next gets it.
        if (stopped.signal.aborted) break;
        takeUp(record);
      }
    }
    await lanes.idle();
    await commits.close();
    await kafka.close();
  }

  return {
    run: () => (running ??= answerUntilStopped()),
    stop() {
      stopped.abort();
      lanes.release();
    },
    counts: tally.counts,
    metrics: () => tally.metrics(),
  };
}

/** How long ago the gateway took the request; undefined when the record does not say. */
function ageOf({ headers }: KafkaRecord, now: number): number | undefined {
  const createdAt = readWholeNumber(readHeader(headers, recordHeaders.creationTimestamp));
  return createdAt === undefined ? undefined : now - createdAt;
}

/** As a string with one character for each byte: a key to compare by, not to read. */
function keyOf({ topic, key }: KafkaRecord): string | undefined {
  return key === null
    ? undefined
    : `${topic}/${String.fromCharCode(...key.subarray(0, maxComparedKeyBytes))}`;
}

/** Longer keys that begin alike share a lane, which costs time but no order. */
const maxComparedKeyBytes = 1_024;
