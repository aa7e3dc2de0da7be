// Produces a record for a caller, and turns what Kafka says into what a wait can end with. Whether a record may be
// produced again is decided here; what an exchange makes of it is not.

import type { KafkaPort } from "../../kafka/index.ts";
import { logCause, logText, SparseLog, type NewRecord, type Refused } from "../../protocol/index.ts";

/** Of this isolate, by what happened and topic. */
const logs = new Map<string, SparseLog>();

function warn(happened: "refused" | "unknown", topic: string, text: string): void {
  const kind = `${happened} ${topic}`;
  const log = logs.get(kind) ?? new SparseLog();
  logs.set(kind, log);
  const line = log.line(text, Date.now());
  if (line !== undefined) console.warn(line);
}

export type RecordFate = { readonly status: "appended" } | Refused | { readonly status: "unknown" };

/** One attempt. `unknown`: no answer within `timeoutMs`; the record may be written. */
export async function produceOnce(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
): Promise<RecordFate> {
  const { topic } = record;
  const produced = await kafka.produce(record, timeoutMs);
  if (produced.status === "appended") return { status: "appended" };
  if (produced.status === "unknown") {
    warn("unknown", topic, `a record for ${topic} may or may not be written: ${logCause(produced.cause)}`);
    return { status: "unknown" };
  }
  const { reason, retryAfter } = produced;
  warn("refused", topic, `a record for ${topic} was refused: ${logText(reason)}`);
  return produced.why === "too-large"
    ? { status: "refused", retryAfter, tooLarge: true }
    : { status: "refused", retryAfter };
}

/** The bridge knows a record again for 60 s by its `X-Produce-ID`; a repeat must come well before. */
const repeatForMs = 20_000;
/**
 * Each pause is twice as long as the one before. A bridge that is back finds all who wait at its door; and a request on
 * Workers Free may make 50 calls.
 */
const pauseMs = { shortest: 500, longest: 2_000 } as const;

export interface RepeatOptions {
  /** Epoch ms; no attempt begins after it. */
  readonly giveUpAt: number;
  /** Somebody else may have produced this very record before. */
  readonly mayBeWritten: boolean;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** The first attempt has had no answer; others follow. */
  readonly onUnknown?: () => void;
  /** Whether nobody has a use for the record any more: it is answered, or taken back. */
  readonly isOver: () => Promise<boolean>;
}

/**
 * Attempts until somebody answers, for at most 20 s or until `giveUpAt`; the bridge takes the record once. A refusal while the record may be written
 * already is no refusal, unless no record of this size can be.
 */
export async function produceUntilKnown(
  kafka: KafkaPort,
  record: NewRecord,
  timeoutMs: number,
  { giveUpAt, mayBeWritten, now, pause, onUnknown, isOver }: RepeatOptions,
): Promise<RecordFate> {
  const lastStartAt = Math.min(now() + repeatForMs, giveUpAt);
  for (let repeats = 0; ; repeats++) {
    const isRepeat = repeats > 0;
    const fate = await produceOnce(kafka, record, timeoutMs);
    const isCertain = fate.status === "refused" && (fate.tooLarge === true || !(isRepeat || mayBeWritten));
    if (fate.status === "appended" || isCertain) return fate;
    if (!isRepeat) onUnknown?.();
    const wait = Math.min(pauseMs.longest, pauseMs.shortest * 2 ** repeats);
    if (now() + wait >= lastStartAt) return { status: "unknown" };
    await pause(wait);
    if (await isOver()) return { status: "unknown" };
  }
}
