// From the bytes of a body to checked values: JSON, and the parts that both wire forms share. Reading the bytes
// is in body.ts.
// What a record looks like differs between them and is read in wire-plain.ts and wire-hearback.ts.

import { isUtf8, type Buffer } from "node:buffer";
import { badRequest, type Problem } from "./answer.ts";
import type { LogPosition, TopicPartition } from "../../kafka/log/index.ts";

/** Any object, seen as one whose members may hold anything. */
export interface Fields {
  readonly topic?: unknown;
  readonly partition?: unknown;
  readonly offset?: unknown;
  readonly log?: unknown;
  readonly timestamp?: unknown;
  readonly timeout?: unknown;
  readonly topicPartitionOffsets?: unknown;
  readonly topics?: unknown;
  readonly key?: unknown;
  readonly value?: unknown;
  readonly headers?: unknown;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Read as JSON whatever the content type says: the vendor's own curl samples send form data. */
export function parseJson(body: Buffer): { readonly value: unknown } | Problem {
  if (body.length === 0) return badRequest("a JSON body is needed");
  if (!isUtf8(body)) return badRequest("the body is not UTF-8");
  try {
    return { value: JSON.parse(body.toString()) };
  } catch {
    return badRequest("the body is not JSON");
  }
}

/** A body that may be one object or an array of them. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Each element of a list, or of one object, read by `parse`; the first problem instead, if there is one. */
export function parseList<Parsed extends object>(
  value: unknown,
  parse: (each: unknown) => Parsed | Problem,
): readonly Parsed[] | Problem {
  const parsed: Parsed[] = [];
  for (const each of listOf(value)) {
    const one = parse(each);
    if ("problem" in one) return one;
    parsed.push(one);
  }
  return parsed;
}

export function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function parsePartition(value: unknown): TopicPartition | Problem {
  if (isFields(value) && typeof value.topic === "string" && isWholeNumber(value.partition)) {
    return { topic: value.topic, partition: value.partition };
  }
  return badRequest("a partition is an object with a topic (string) and a partition (whole number)");
}

export function parsePosition(value: unknown): LogPosition | Problem {
  const partition = parsePartition(value);
  if ("problem" in partition) return partition;
  const { offset, log }: Fields = isFields(value) ? value : {};
  if (!isWholeNumber(offset)) return badRequest("an offset is a whole number");
  if (log === undefined || log === null) return { ...partition, offset };
  if (typeof log !== "string") return badRequest("a log is named by a string");
  return { ...partition, offset, log };
}

/** The body of a fetch: one position, a list of them, or both. `timeoutMs` is as asked, undefined when it is not. */
export function parseFetch(
  value: unknown,
): { readonly positions: readonly LogPosition[]; readonly timeoutMs?: number } | Problem {
  if (!isFields(value)) return badRequest("a fetch is an object");
  const { timeout, topicPartitionOffsets: listed } = value;
  if (listed !== undefined && listed !== null && !Array.isArray(listed)) {
    return badRequest("topicPartitionOffsets is an array");
  }
  const asked: unknown[] = Array.isArray(listed) ? [...listed] : [];
  if (value.topic !== undefined) asked.push(value);
  if (asked.length === 0) return badRequest("a fetch names at least one position");
  const positions: LogPosition[] = [];
  for (const each of asked) {
    const position = parsePosition(each);
    if ("problem" in position) return position;
    positions.push(position);
  }
  const waiting = parseTimeout(timeout);
  return "problem" in waiting ? waiting : { positions, ...waiting };
}

/** `timeoutMs` is undefined when no timeout is given. */
export function parseTimeout(timeout: unknown): { readonly timeoutMs?: number } | Problem {
  if (timeout === undefined || timeout === null) return {};
  if (typeof timeout !== "number" || !(timeout >= 0))
    return badRequest("a timeout is a number of milliseconds");
  return { timeoutMs: timeout };
}
