// How records lie in a file: frames of length, checksum and payload, one after the other. It turns records
// into bytes and bytes into records; files are opened elsewhere.
//
// Frame, big-endian: u32 payload length · u32 CRC-32 of the payload · payload.
// Payload: f64 offset · f64 timestamp · i32 key length · key · i32 value length · value (-1: null, no bytes) ·
// u32 header count · per header u32 name length · name · u32 value length · value.

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { KafkaRecord, RecordHeader } from "../../protocol/index.ts";

const frameHeadBytes = 8;
const fixedPayloadBytes = 28;

type Place = Pick<KafkaRecord, "topic" | "partition">;

/** One buffer for all of them, so that a batch is one write. */
export function encodeFrames(records: readonly KafkaRecord[]): Buffer {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + frameBytes(record), 0));
  let at = 0;
  for (const record of records) {
    const payload = at + frameHeadBytes;
    const end = writePayload(bytes, payload, record);
    bytes.writeUInt32BE(end - payload, at);
    bytes.writeUInt32BE(crc32(bytes.subarray(payload, end)), at + 4);
    at = end;
  }
  return bytes;
}

function frameBytes({ key, value, headers }: KafkaRecord): number {
  let bytes = frameHeadBytes + fixedPayloadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += 8 + Buffer.byteLength(header.key) + header.value.length;
  return bytes;
}

/** Returns where the payload ends. */
function writePayload(bytes: Buffer, start: number, record: KafkaRecord): number {
  let at = bytes.writeDoubleBE(record.offset, start);
  at = bytes.writeDoubleBE(record.timestamp, at);
  for (const part of [record.key, record.value]) {
    at = bytes.writeInt32BE(part === null ? -1 : part.length, at);
    if (part === null) continue;
    bytes.set(part, at);
    at += part.length;
  }
  at = bytes.writeUInt32BE(record.headers.length, at);
  for (const { key, value } of record.headers) {
    const length = bytes.write(key, at + 4);
    bytes.writeUInt32BE(length, at);
    at = bytes.writeUInt32BE(value.length, at + 4 + length);
    bytes.set(value, at);
    at += value.length;
  }
  return at;
}

/**
 * The whole frames from the start of `bytes` whose offsets ascend by one, and how many bytes they take. What
 * follows is a torn tail: a write that the process did not live to finish. The records share memory with `bytes`.
 */
export function decodeFrames(
  bytes: Buffer,
  place: Place,
): { readonly records: readonly KafkaRecord[]; readonly validBytes: number } {
  const records: KafkaRecord[] = [];
  let at = 0;
  while (at + frameHeadBytes <= bytes.length) {
    const start = at + frameHeadBytes;
    const end = start + bytes.readUInt32BE(at);
    if (end > bytes.length || end < start + fixedPayloadBytes) break;
    if (crc32(bytes.subarray(start, end)) !== bytes.readUInt32BE(at + 4)) break;
    const record = readPayload(bytes, start, place);
    const previous = records.at(-1);
    if (previous !== undefined && record.offset !== previous.offset + 1) break;
    records.push(record);
    at = end;
  }
  return { records, validBytes: at };
}

/** Relies on the checksum: what was written whole was written by `writePayload`. */
function readPayload(bytes: Buffer, start: number, { topic, partition }: Place): KafkaRecord {
  let at = start;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const takeLength = (): number => take(4).readUInt32BE();
  const takeNullable = () => {
    const length = take(4).readInt32BE();
    return length < 0 ? null : take(length);
  };
  const offset = take(8).readDoubleBE();
  const timestamp = take(8).readDoubleBE();
  const key = takeNullable();
  const value = takeNullable();
  const headers: RecordHeader[] = [];
  for (let left = takeLength(); left > 0; left--) {
    headers.push({ key: take(takeLength()).toString(), value: take(takeLength()) });
  }
  return { topic, partition, offset, timestamp, key, value, headers };
}
