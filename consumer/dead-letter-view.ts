// A dead letter as an operator sees it: text where it is text, base64 where it is not. Pure; who may see it is
// decided elsewhere.

import {
  decodeText,
  readHeader,
  recordBytes,
  recordHeaders,
  toBase64,
  type DrainVerdict,
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
  readonly value: ShownBytes | null;
}

/** Without the members of the record where it was too large to be kept. */
export interface ShownDeadLetter extends Partial<ShownRecord> {
  readonly id: number;
  readonly at: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly verdict: DrainVerdict;
  readonly reason: string;
}

/** `maxBytes`: how much of its value is shown. */
export function show({ record, ...letter }: DeadLetter, maxBytes: number): ShownDeadLetter {
  return record === undefined ? letter : { ...letter, ...showRecord(record, maxBytes) };
}

function showRecord(record: KafkaRecord, maxBytes: number): ShownRecord {
  const { timestamp, key, headers, value } = record;
  const correlationId =
    readHeader(headers, recordHeaders.correlationId) ?? (key === null ? undefined : decodeText(key));
  return {
    timestamp,
    ...(correlationId ? { correlationId } : {}),
    bytes: recordBytes(record),
    key: key === null ? null : showBytes(key),
    headers: headers.map((header) => ({ key: header.key, ...showBytes(header.value) })),
    value: value === null ? null : showBytes(value, maxBytes),
  };
}

function showBytes(bytes: Uint8Array, maxBytes = Infinity): ShownBytes {
  const cut = bytes.byteLength > maxBytes ? ({ cut: true } as const) : {};
  const text = decodeText(bytes.subarray(0, endOfCharacter(bytes, maxBytes)));
  return text !== undefined && isPrintable(text)
    ? { text, ...cut }
    : { base64: toBase64(bytes.subarray(0, maxBytes)), ...cut };
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
