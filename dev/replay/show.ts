// An exchange as it is shown: bytes as text where they are text, instants as dates, the time from a request to
// its reply. Pure; what is found is search.ts.

import { Buffer } from "node:buffer";
import { decodeText, type KafkaRecord } from "../../protocol/index.ts";

export interface ShownBytes {
  readonly encoding: "text" | "base64";
  readonly value: string;
  readonly bytes: number;
}

export interface ShownRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly time: string;
  readonly key: ShownBytes | null;
  readonly headers: readonly ({ readonly name: string } & ShownBytes)[];
  /** Null is not empty: the record has no value. */
  readonly body: ShownBytes | null;
}

export interface ShownExchange {
  readonly correlationId: string;
  readonly requests: readonly ShownRecord[];
  /** `afterMs`: since the newest request that is not younger; absent without a request. */
  readonly replies: readonly (ShownRecord & { readonly afterMs?: number })[];
  /** Records for which there was no room. */
  readonly omitted: number;
}

interface Exchange {
  /** Both by time. */
  readonly requests: readonly KafkaRecord[];
  readonly replies: readonly KafkaRecord[];
  readonly omitted: number;
}

export function showExchange(correlationId: string, { requests, replies, omitted }: Exchange): ShownExchange {
  return {
    correlationId,
    requests: requests.map(showRecord),
    replies: replies.map((reply) => {
      const asked = requests.findLast(({ timestamp }) => timestamp <= reply.timestamp) ?? requests[0];
      const shown = showRecord(reply);
      return asked === undefined ? shown : { ...shown, afterMs: reply.timestamp - asked.timestamp };
    }),
    omitted,
  };
}

function showRecord({ topic, partition, offset, timestamp, key, headers, value }: KafkaRecord): ShownRecord {
  return {
    topic,
    partition,
    offset,
    timestamp,
    time: new Date(timestamp).toISOString(),
    key: key === null ? null : showBytes(key),
    headers: headers.map((header) => ({ name: header.key, ...showBytes(header.value) })),
    body: value === null ? null : showBytes(value),
  };
}

/** A control character could write anything anywhere on a terminal. */
const unprintable = /[^\P{Cc}\t\r\n]|\r(?!\n)/u;

export function showBytes(bytes: Uint8Array): ShownBytes {
  const text = decodeText(bytes);
  const length = bytes.byteLength;
  if (text !== undefined && !unprintable.test(text)) return { encoding: "text", value: text, bytes: length };
  return { encoding: "base64", value: Buffer.from(bytes).toString("base64"), bytes: length };
}

export function printExchange({ requests, replies, omitted }: ShownExchange): string {
  const blocks = [
    ...requests.map((request) => printRecord("request", request)),
    ...replies.map((reply) =>
      printRecord(
        "reply",
        reply,
        reply.afterMs === undefined ? [] : [`${reply.afterMs} ms after the request`],
      ),
    ),
    ...(requests.length === 0 ? ["no request within the time searched"] : []),
    ...(replies.length === 0 ? ["no reply"] : []),
    ...(omitted > 0 ? [`${omitted} more records, not kept for want of room`] : []),
  ];
  return blocks.join("\n\n");
}

function printRecord(
  kind: string,
  { topic, partition, offset, time, key, headers, body }: ShownRecord,
  remarks: readonly string[] = [],
): string {
  return [
    `${kind}: ${topic}, partition ${partition}, offset ${offset}`,
    `  time: ${[time, ...remarks].join(", ")}`,
    `  key: ${key === null ? "none" : printLine(key)}`,
    "  headers:",
    ...headers.map((header) => `    ${printName(header.name)}: ${printLine(header)}`),
    body === null ? "  body: none" : `  body: ${body.bytes} bytes, ${body.encoding}`,
    ...(body === null || body.bytes === 0 ? [] : body.value.split(/\r?\n/).map((line) => `    ${line}`)),
  ].join("\n");
}

/** On one line, whatever is in it; text is what is not said to be something else. */
function printLine({ encoding, value }: ShownBytes): string {
  if (encoding === "base64") return `base64 ${value}`;
  return /[\r\n]/.test(value) ? `text ${JSON.stringify(value)}` : value;
}

function printName(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : JSON.stringify(name);
}
