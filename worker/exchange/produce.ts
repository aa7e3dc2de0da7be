// Produces a record for a caller, and turns what Kafka says into what a wait can end with. Whether a record may be
// produced again is decided here; what an exchange makes of it is not.

import type { KafkaPort } from "../../kafka/index.ts";
import { logText, type NewRecord, type Refused, SparseLog } from "../../protocol/index.ts";

/** Of this isolate, by topic. */
const refusals = new Map<string, SparseLog>();

function logOf(topic: string): SparseLog {
  const known = refusals.get(topic) ?? new SparseLog();
  refusals.set(topic, known);
  return known;
}

export type RecordFate = { readonly status: "appended" } | Refused | { readonly status: "unknown" };

/** One attempt. `unknown`: no answer within `timeoutMs`; the record may be written. */
export async function produceOnce(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
): Promise<RecordFate> {
  const produced = await kafka.produce(record, timeoutMs);
  if (produced.status !== "refused") return { status: produced.status };
  const why = `a record for ${record.topic} was refused: ${logText(produced.reason)}`;
  const line = logOf(record.topic).line(why, Date.now());
  if (line !== undefined) console.warn(line);
  const { retryAfter } = produced;
  return produced.why === "too-large"
    ? { status: "refused", retryAfter, tooLarge: true }
    : { status: "refused", retryAfter };
}

/** The bridge knows a record again for 60 s by its `X-Produce-ID`; a repeat must come well before. */
const repeatForMs = 20_000;
const pauseBetweenMs = 500;

export interface RepeatOptions {
  /** Epoch ms; no attempt begins after it. */
  readonly giveUpAt: number;
  /** Somebody else may have produced this very record before. */
  readonly mayBeWritten: boolean;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** The first attempt has had no answer; others follow. */
  readonly onUnknown: () => void;
  /** Whether nobody has a use for the record any more: it is answered, or taken back. */
  readonly isOver: () => Promise<boolean>;
}

/**
 * Attempts until somebody answers, for at most 20 s or until `giveUpAt`. A refusal while the record may be written
 * already is no refusal, unless no record of this size can be.
 */
export async function produceUntilKnown(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
  { giveUpAt, mayBeWritten, now, pause, onUnknown, isOver }: RepeatOptions,
): Promise<RecordFate> {
  const lastStartAt = Math.min(now() + repeatForMs, giveUpAt);
  for (let isRepeat = false; ; isRepeat = true) {
    const fate = await produceOnce(kafka, record, timeoutMs);
    const isCertain = fate.status === "refused" && (fate.tooLarge === true || !(isRepeat || mayBeWritten));
    if (fate.status === "appended" || isCertain) return fate;
    if (!isRepeat) onUnknown();
    if (now() + pauseBetweenMs >= lastStartAt) return { status: "unknown" };
    await pause(pauseBetweenMs);
    if (await isOver()) return { status: "unknown" };
  }
}
