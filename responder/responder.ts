// A responder: takes requests of its share of the topics, has them handled, and says what is done. What becomes of a
// single request is answer.ts; Kafka is behind kafka.ts.

import { isCancel, readHeader, readWholeNumber, recordHeaders, type KafkaRecord } from "../protocol/index.ts";
import { endWithin } from "../kafka/log/index.ts";
import { createAnswerer, type Answerer } from "./answer.ts";
import { createCommits, type Commits } from "./commits.ts";
import { comparableKey } from "./comparable-key.ts";
import { openResponderKafka, type ResponderKafka } from "./kafka.ts";
import { createLanes } from "./lanes.ts";
import { settleOptions, type ResponderOptions } from "./options.ts";
import { createTally, type Fate, type ResponderCounts } from "./tally.ts";

export interface Responder {
  /**
   * Reads until `stop`; resolves when everything taken up is finished and committed, or `stopTimeoutMs` after `stop`.
   * A second call joins the first.
   */
  run(): Promise<void>;
  /** Takes up nothing more; `run` resolves when what is under way is answered. A second call is a no-op. */
  stop(): void;
  readonly counts: ResponderCounts;
  /** The figures in the text format of Prometheus. Names begin with `hearback_responder_`. */
  metrics(): Promise<string>;
}

/** Sending is not tried again for the last part of the time that `stop` has. */
const lastTriesMs = 5_000;

/**
 * Joins its group when it runs, not before. Every request is handled at least once: again after a crash between its
 * reply and the commit. Throws a RangeError for options that make no sense.
 */
export function createResponder<Input = undefined>(options: ResponderOptions<Input>): Responder {
  const settled = settleOptions(options);
  const { topics, group, name, concurrency, order, sessionTimeoutMs, stopTimeoutMs, onEvent } = settled;
  const lanes = createLanes(concurrency, order);
  const tally = createTally({
    running: { help: "Requests that are handled.", read: () => lanes.running },
    queued: { help: "Requests that wait for earlier ones of their key.", read: () => lanes.queued },
  });
  const stopped = new AbortController();
  const givenUp = new AbortController();
  let running: Promise<void> | undefined;

  async function answerUntilStopped(): Promise<void> {
    const kafka = openResponderKafka(settled.kafka, {
      topics,
      group,
      instance: name,
      sessionTimeoutMs,
      uncommitted: () => commits.uncommitted(),
      onConnection: (message) => onEvent({ type: "connection", message }),
    });
    const commits = createCommits(
      (offsets) => kafka.commit(offsets),
      (place) => onEvent({ type: "stalled", ...place }),
    );
    stopped.signal.addEventListener("abort", () => commits.release());
    const answerer = createAnswerer({ kafka, settled, tally, signal: givenUp.signal });
    const { renewEveryMs } = kafka;
    const renewing = renewEveryMs && setInterval(() => void commits.renew(), renewEveryMs);
    try {
      await read(kafka, commits, answerer);
      await endWithin(stopTimeoutMs, lanes.idle());
    } finally {
      clearInterval(renewing);
      await commits.close();
      await kafka.close();
    }
  }

  async function read(kafka: ResponderKafka, commits: Commits, answerer: Answerer): Promise<void> {
    while (!stopped.signal.aborted) {
      await lanes.free();
      await commits.room();
      const { records, isReassigned } = await kafka.consume(stopped.signal);
      if (isReassigned) commits.reassign();
      for (const record of records) {
        await lanes.reserve();
        // What is left of the batch is not committed; whoever reads next gets it.
        if (stopped.signal.aborted) return;
        takeUp(record, commits, answerer);
      }
    }
  }

  function takeUp(record: KafkaRecord, commits: Commits, answerer: Answerer): void {
    if (!commits.take(record)) {
      lanes.giveBack();
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
      lanes.giveBack();
      answerer.cancel(record);
      finish("cancel");
      return;
    }
    answerer.expect(record);
    lanes.start(order === "none" ? undefined : keyOf(record), async () => {
      try {
        finish(await answerer.answer(record, receivedAt));
      } catch (cause) {
        // A bug, here or in a client; the others must go on.
        onEvent({ type: "handler-failed", correlationId: "", cause });
        finish("failed");
      }
    });
  }

  return {
    run: () => (running ??= answerUntilStopped()),

    stop() {
      if (stopped.signal.aborted) return;
      stopped.abort();
      lanes.release();
      setTimeout(() => givenUp.abort(), Math.max(0, stopTimeoutMs - lastTriesMs)).unref();
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

function keyOf({ topic, key }: KafkaRecord): string | undefined {
  return key === null ? undefined : `${topic}/${comparableKey(key)}`;
}
