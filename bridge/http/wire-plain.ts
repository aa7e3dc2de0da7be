// Upstash's own JSON: text for keys, values and header values, and errors where anything is refused.
// Bytes that are not UTF-8 cannot pass here; the /hearback form is for them.

import { Buffer } from "node:buffer";
import { encodeText, textHeader, type KafkaRecord, type RecordHeader } from "../../protocol/index.ts";
import { problemAnswer, problemOf } from "./answer.ts";
import { isFields, isWholeNumber } from "./json-body.ts";
import { type RecordToAppend, type Refused, lastingRetryAfter, refusalOf } from "../../kafka/log/index.ts";
import type { WireForm } from "./wire-form.ts";

export const plainForm: WireForm = {
  missingIsError: true,

  parseRecord(message, topic) {
    const record = parseMessage(message, topic);
    // What can be refused at sight is, before any record of the batch is appended: this form can only answer
    // for the batch as a whole, and its caller would repeat the records that went through.
    return "refused" in record ? record : (refusalOf(record) ?? record);
  },

  refuseAll: problemOf,

  produceAnswer(answers, single) {
    const refusal = answers.find((answer) => "refused" in answer);
    if (refusal !== undefined) return problemAnswer(problemOf(refusal));
    return { status: 200, body: single ? answers[0] : answers };
  },

  records: (records) => records.map(toPlainRecord),

  offsets: (offsets) => offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
};

/** A member that is null counts as absent. */
function parseMessage(message: unknown, pathTopic: string | undefined): RecordToAppend | Refused {
  if (!isFields(message)) return invalid("a message is an object");
  const { value } = message;
  const topic = pathTopic ?? message.topic;
  const partition = message.partition ?? undefined;
  const key = message.key ?? null;
  const timestamp = message.timestamp ?? undefined;
  const headers = message.headers ?? [];
  if (typeof topic !== "string") return invalid("a message names its topic with a string");
  if (typeof value !== "string") return invalid("the value of a message is a string");
  if (key !== null && typeof key !== "string") return invalid("the key of a message is a string");
  if (partition !== undefined && !isWholeNumber(partition)) return invalid("a partition is a whole number");
  if (timestamp !== undefined && !(isWholeNumber(timestamp) && timestamp >= 0)) {
    return invalid("a timestamp is a whole number of milliseconds");
  }
  const parsedHeaders = parseHeaders(headers);
  if (parsedHeaders === undefined)
    return invalid("headers are an array of objects with key and value, both strings");
  return {
    topic,
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp }),
    key: key === null ? null : encodeText(key),
    value: encodeText(value),
    headers: parsedHeaders,
  };
}

function parseHeaders(headers: unknown): readonly RecordHeader[] | undefined {
  if (!Array.isArray(headers)) return undefined;
  const parsed: RecordHeader[] = [];
  for (const header of headers) {
    if (!isFields(header) || typeof header.key !== "string" || typeof header.value !== "string")
      return undefined;
    parsed.push(textHeader(header.key, header.value));
  }
  return parsed;
}

function invalid(refused: string): Refused {
  return { refused, why: "invalid", retryAfter: lastingRetryAfter };
}

function toPlainRecord({ topic, partition, offset, timestamp, key, value, headers }: KafkaRecord): object {
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: textOf(key),
    value: textOf(value),
    headers: headers.map((header) => ({ key: header.key, value: textOf(header.value) })),
  };
}

/** An absent key and a null value are shown as "". */
function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
