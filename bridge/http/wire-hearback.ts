// The form under the /hearback prefix: bytes as base64, identities of logs, refusals record by record in a 200.
// The shapes are protocol/kafka-rest.ts; this file says what the bridge takes and refuses of them.

import { Buffer } from "node:buffer";
import { toWireRecord, type RecordHeader, type WireProduceAnswer } from "../../protocol/index.ts";
import { isFields, isWholeNumber } from "./json-body.ts";
import {
  type ProduceAnswer,
  type RecordToAppend,
  type Refused,
  lastingRetryAfter,
} from "../../kafka/log/index.ts";
import type { WireForm } from "./wire-form.ts";

export const hearbackForm: WireForm = {
  missingIsError: false,
  parseRecord: parseMessage,
  refuseAll: () => undefined,

  produceAnswer(answers, single) {
    const shown = answers.map(toWireAnswer);
    return { status: 200, body: single ? shown[0] : shown };
  },

  records: (records) => records.map(toWireRecord),
  offsets: (offsets) => offsets,
};

/** A member that is null counts as absent. */
function parseMessage(message: unknown, pathTopic: string | undefined): RecordToAppend | Refused {
  if (!isFields(message)) return invalid("a record is an object");
  const topic = pathTopic ?? message.topic;
  const partition = message.partition ?? undefined;
  const key = parseBytes(message.key ?? null);
  const value = parseBytes(message.value ?? null);
  const headers = parseHeaders(message.headers ?? []);
  if (typeof topic !== "string") return invalid("a record names its topic with a string");
  if (partition !== undefined && !isWholeNumber(partition)) return invalid("a partition is a whole number");
  if (key === undefined) return invalid("the key is not base64");
  if (value === undefined) return invalid("the value is not base64");
  if (headers === undefined)
    return invalid("headers are an array of objects with a key and a value in base64");
  return { topic, ...(partition === undefined ? {} : { partition }), key, value, headers };
}

function parseHeaders(headers: unknown): readonly RecordHeader[] | undefined {
  if (!Array.isArray(headers)) return undefined;
  const parsed: RecordHeader[] = [];
  for (const header of headers) {
    if (!isFields(header) || typeof header.key !== "string") return undefined;
    const value = parseBytes(header.value);
    if (value === undefined || value === null) return undefined;
    parsed.push({ key: header.key, value });
  }
  return parsed;
}

/** Undefined when `value` is neither null nor padded base64. */
function parseBytes(value: unknown): Uint8Array | null | undefined {
  if (value === null) return null;
  if (typeof value !== "string" || value.length % 4 !== 0) return undefined;
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(value, "base64");
  // Node leaves out what is not base64, so only the length tells.
  return bytes.length === (value.length / 4) * 3 - padding ? bytes : undefined;
}

function invalid(refused: string): Refused {
  return { refused, why: "invalid", retryAfter: lastingRetryAfter };
}

function toWireAnswer(answer: ProduceAnswer): WireProduceAnswer {
  if (!("refused" in answer)) return answer;
  const { refused, why, retryAfter } = answer;
  return { refused, why, retryAfter };
}
