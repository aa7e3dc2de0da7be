// A Kafka record as every folder sees it: bytes, with headers in order. Nothing about HTTP or REST.

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array;
}

/** A record to be appended. No `partition`: the log chooses by key, as Java's default partitioner does. */
export interface NewRecord {
  readonly topic: string;
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** A record as read from a partition. `timestamp` is epoch ms. */
export interface KafkaRecord extends NewRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/** Largest record, as `recordBytes` counts: Upstash's limit, and close to Kafka's default `max.message.bytes`. */
export const maxRecordBytes = 1_048_576;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** UTF-8 text, or undefined when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The last header of that name (keys compare case-insensitively), or undefined when absent or not UTF-8. */
export function readHeader(headers: readonly RecordHeader[], name: string): string | undefined {
  const found = lastHeader(headers, name);
  return found === undefined ? undefined : decodeText(found.value);
}

/** Whether the header is there, and is no text: where that must not pass for its absence. */
export function isGarbled(headers: readonly RecordHeader[], name: string): boolean {
  const found = lastHeader(headers, name);
  return found !== undefined && decodeText(found.value) === undefined;
}

function lastHeader(headers: readonly RecordHeader[], name: string): RecordHeader | undefined {
  const wanted = name.toLowerCase();
  return headers.findLast((header) => header.key.toLowerCase() === wanted);
}

/** Bytes of key, value, header names and header values. */
export function recordBytes({ key, value, headers }: Pick<NewRecord, "key" | "value" | "headers">): number {
  let bytes = (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const header of headers) bytes += utf8Length(header.key) + header.value.byteLength;
  return bytes;
}

/** Without making the bytes: this is asked several times for each header of each record. */
function utf8Length(text: string): number {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return encodeText(text).byteLength;
  return text.length;
}

export function textHeader(key: string, value: string): RecordHeader {
  return { key, value: encodeText(value) };
}
