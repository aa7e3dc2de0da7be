// A dead letter as an operator sees it: text where it is text, base64 where it is not. Pure; who may see it is
// decided elsewhere.

import {
  correlationIdOf,
  decodeText,
  encodeText,
  recordBytes,
  toBase64,
  type KafkaRecord,
} from "../protocol/index.ts";
import type { DeadLetter } from "./dead-letters.ts";

/** Bytes of a record, one way or the other. `cut`: there is more of it. */
export type ShownBytes =
  { readonly text: string; readonly cut?: true } | { readonly base64: string; readonly cut?: true };

export interface ShownRecord {
  /** Epoch ms, as Kafka has it. */
  readonly timestamp: number;
  readonly correlationId?: string;
  /** Of key, value and headers. */
  readonly bytes: number;
  readonly key: ShownBytes | null;
  readonly headers: readonly ({ readonly key: string } & ShownBytes)[];
  /** How many there are beyond those shown, if any. */
  readonly moreHeaders?: number;
  readonly value: ShownBytes | null;
}

/** Without the members of the record where it was too large to be kept. */
export interface ShownDeadLetter extends Omit<DeadLetter, "record">, Partial<ShownRecord> {}

/** How much is shown of a record. */
export interface ShownLimits {
  /** Of the key, of the value, of the correlation ID, and of each header's name and value. */
  readonly bytes: number;
  readonly headers: number;
}

/** What a list shows of each: 100 of them must fit in the 32 MiB that the answer of an RPC call may have. */
export const preview: ShownLimits = { bytes: 1_024, headers: 50 };
export const everything: ShownLimits = { bytes: Infinity, headers: Infinity };

export function show({ record, ...letter }: DeadLetter, limits: ShownLimits): ShownDeadLetter {
  return record === undefined ? letter : { ...letter, ...showRecord(record, limits) };
}

function showRecord(record: KafkaRecord, limits: ShownLimits): ShownRecord {
  const { timestamp, key, headers, value } = record;
  const correlationId = correlationIdOf(record);
  const shown = headers.slice(0, limits.headers);
  return {
    timestamp,
    ...(correlationId ? { correlationId: cutText(correlationId, limits.bytes) } : {}),
    bytes: recordBytes(record),
    key: key === null ? null : showBytes(key, limits.bytes),
    headers: shown.map((header) => ({
      key: cutText(header.key, limits.bytes),
      ...showBytes(header.value, limits.bytes),
    })),
    ...(shown.length < headers.length ? { moreHeaders: headers.length - shown.length } : {}),
    value: value === null ? null : showBytes(value, limits.bytes),
  };
}

function showBytes(bytes: Uint8Array, maxBytes: number): ShownBytes {
  const cut = bytes.byteLength > maxBytes ? ({ cut: true } as const) : {};
  const text = decodeText(bytes.subarray(0, endOfCharacter(bytes, maxBytes)));
  return text !== undefined && isPrintable(text)
    ? { text, ...cut }
    : { base64: toBase64(bytes.subarray(0, maxBytes)), ...cut };
}

/** A name that long is none that anybody reads to its end: it is not marked as cut. */
function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = encodeText(text);
  return decodeText(bytes.subarray(0, endOfCharacter(bytes, maxBytes))) ?? "";
}

/** Tabs and line ends are, other control characters are not. */
function isPrintable(text: string): boolean {
  return !/[^\P{Cc}\t\n\r]/u.test(text);
}

/** At most `limit`, and not in the middle of a character of UTF-8, which has four bytes at most. */
function endOfCharacter(bytes: Uint8Array, limit: number): number {
  if (bytes.byteLength <= limit) return bytes.byteLength;
  for (let end = limit; end > limit - 4 && end > 0; end--) {
    if (((bytes[end] ?? 0) & 0b1100_0000) !== 0b1000_0000) return end;
  }
  return limit;
}
