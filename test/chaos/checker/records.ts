// A record of the request topic and one of the reply topic, read by docs/protocol.md sections 2 and 3 and by nothing
// else. How records get here is in topics.ts.

/** As a native client reads it; all text is UTF-8. */
export interface RawRecord {
  readonly partition: number;
  readonly offset: number;
  /** Epoch ms, as the producer says. */
  readonly timestamp: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly value: string;
}

interface Placed {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly correlationId: string;
}

/** Instants are those of the gateway's clock. */
export interface RequestRecord extends Placed {
  readonly produceId: string;
  readonly attempt: number;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly keepUntil: number;
  /** The call that the body names. */
  readonly call: string;
}

export interface ReplyRecord extends Placed {
  readonly keepUntil: number;
  readonly body: string;
}

/** Or what is wrong with it, in words. */
export function readRequestRecord(raw: RawRecord): RequestRecord | string {
  const place = `request ${raw.partition}/${raw.offset}`;
  const header = headersOf(raw);
  const correlationId = header("X-Correlation-ID");
  if (correlationId === undefined) return `${place} has no X-Correlation-ID`;
  const produceId = header("X-Produce-ID") ?? "";
  const [id, attempt] = splitAtLast(produceId, ":");
  if (id !== correlationId) return `${place} has the X-Produce-ID "${produceId}"`;
  const call = callIn(raw.value);
  if (call === undefined) return `${place} names no call`;
  const record = {
    ...placeOf(raw),
    correlationId,
    produceId,
    attempt: wholeNumber(attempt),
    createdAt: wholeNumber(header("X-Creation-Timestamp")),
    deadlineAt: wholeNumber(header("X-Deadline")),
    keepUntil: wholeNumber(header("X-Keep-Until")),
    call,
  };
  const { createdAt, deadlineAt, keepUntil } = record;
  const isInOrder = createdAt < deadlineAt && deadlineAt <= keepUntil && !Number.isNaN(record.attempt);
  return isInOrder ? record : `${place} has an attempt or instants that are none`;
}

/** Or what is wrong with it, in words. The responder of a run copies what should be copied. */
export function readReplyRecord(raw: RawRecord): ReplyRecord | string {
  const place = `reply ${raw.partition}/${raw.offset}`;
  const header = headersOf(raw);
  const correlationId = header("X-Correlation-ID");
  if (correlationId === undefined) return `${place} has no X-Correlation-ID`;
  const keepUntil = wholeNumber(header("X-Keep-Until"));
  if (Number.isNaN(keepUntil)) return `${place} has no X-Keep-Until`;
  const status = header("X-Reply-Status") ?? "200";
  if (status !== "200") return `${place} has the X-Reply-Status ${status}`;
  return { ...placeOf(raw), correlationId, keepUntil, body: raw.value };
}

function placeOf({ partition, offset, timestamp }: RawRecord) {
  return { partition, offset, timestamp };
}

/** Names in any case; of duplicates the last one wins. */
function headersOf({ headers }: RawRecord): (name: string) => string | undefined {
  const values = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => values.get(name.toLowerCase());
}

function splitAtLast(text: string, separator: string): readonly [string, string] {
  const at = text.lastIndexOf(separator);
  return [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function callIn(value: string): string | undefined {
  try {
    const { call } = JSON.parse(value) as { readonly call?: unknown };
    return typeof call === "string" ? call : undefined;
  } catch {
    return undefined;
  }
}
