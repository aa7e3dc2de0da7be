// Produces a record for a caller, and turns what Kafka says into what a wait can end with. Whether a record may be
// produced again is decided here; what an exchange makes of it is not.

import type { KafkaPort } from "../kafka/index.ts";
import type { NewRecord, Refused } from "../protocol/index.ts";

export type RecordFate = { readonly status: "appended" } | Refused | { readonly status: "unknown" };

/** One attempt. `unknown`: no answer within `timeoutMs`; the record may be written. */
export async function produceOnce(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
): Promise<RecordFate> {
  const produced = await kafka.produce(record, timeoutMs);
  if (produced.status !== "refused") return { status: produced.status };
  console.warn(`hearback: a record for ${record.topic} was refused: ${produced.reason}`);
  const { retryAfter } = produced;
  return produced.why === "too-large"
    ? { status: "refused", retryAfter, tooLarge: true }
    : { status: "refused", retryAfter };
}

/** The bridge knows a record again for 60 s by its `X-Produce-ID`; a repeat must come well before. */
const repeatForMs = 25_000;
const pauseBetweenMs = 500;

export interface RepeatDeps {
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** The first attempt has had no answer; others follow. */
  readonly onUnknown: () => void;
  /** Nobody has a use for the record any more: it is answered, or taken back. */
  readonly isOver: () => boolean;
}

/**
 * Attempts until somebody answers, for at most 25 s or until `giveUpAt` (epoch ms). A refusal after an attempt
 * without an answer is no refusal: that attempt may be written.
 */
export async function produceUntilKnown(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
  giveUpAt: number,
  { now, pause, onUnknown, isOver }: RepeatDeps,
): Promise<RecordFate> {
  const lastStartAt = Math.min(now() + repeatForMs, giveUpAt);
  const first = await produceOnce(kafka, record, timeoutMs);
  if (first.status !== "unknown") return first;
  onUnknown();
  while (now() + pauseBetweenMs < lastStartAt) {
    await pause(pauseBetweenMs);
    if (isOver()) break;
    const repeated = await produceOnce(kafka, record, timeoutMs);
    if (repeated.status === "appended") return repeated;
  }
  return { status: "unknown" };
}
