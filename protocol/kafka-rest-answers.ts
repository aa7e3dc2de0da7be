// Reads what a peer answered under the `/hearback` prefix. Another program may have answered in the bridge's place, or
// the bridge another question, so nothing is taken for true that was not looked at. Undefined: it is no answer.

import {
  fromWireRecord,
  refusalReasons,
  type GroupState,
  type WireHeader,
  type WireOffset,
  type WirePosition,
  type WireProduceAnswer,
  type WireRecord,
} from "./kafka-rest.ts";
import type { KafkaRecord } from "./record.ts";

/** No cluster has topics with more; the loops over them must end. */
const mostPartitions = 1_000_000;

/** To one record for `topic`. */
export function readProduceAnswer(answer: unknown, topic: string): WireProduceAnswer | undefined {
  if (!isFields(answer)) return undefined;
  if ("refused" in answer) {
    const { refused, why, retryAfter } = answer;
    const reason = refusalReasons.find((known) => known === why);
    return typeof refused === "string" && reason !== undefined && isWhole(retryAfter)
      ? { refused, why: reason, retryAfter }
      : undefined;
  }
  const { partition, offset, timestamp } = answer;
  return answer["topic"] === topic && isWhole(partition) && isWhole(offset) && typeof timestamp === "number"
    ? { topic, partition, offset, timestamp }
    : undefined;
}

/** To a consume. */
export function readRecords(answer: unknown): readonly KafkaRecord[] | undefined {
  return Array.isArray(answer) && answer.every(isRecord) ? decoded(answer) : undefined;
}

/** To a fetch: of each partition that was asked for those from the offset on, ascending, and of no other. */
export function readRecordsFrom(
  answer: unknown,
  asked: readonly WirePosition[],
): readonly KafkaRecord[] | undefined {
  if (!Array.isArray(answer) || !answer.every(isRecord)) return undefined;
  const next = new Map(asked.map((position) => [placeOf(position), position.offset]));
  for (const record of answer) {
    const from = next.get(placeOf(record));
    if (from === undefined || record.offset < from) return undefined;
    next.set(placeOf(record), record.offset + 1);
  }
  return decoded(answer);
}

/** Partitions may be missing. */
export function readOffsets(
  answer: unknown,
  asked: readonly { readonly topic: string; readonly partition: number }[],
): readonly WireOffset[] | undefined {
  const places = new Set(asked.map(placeOf));
  return Array.isArray(answer) && answer.every(isOffset) && answer.every((one) => places.has(placeOf(one)))
    ? answer
    : undefined;
}

/** Partition counts by topic. */
export function readTopics(answer: unknown): ReadonlyMap<string, number> | undefined {
  if (!isFields(answer)) return undefined;
  const counts = Object.entries(answer);
  return counts.every(isCount) ? new Map(counts) : undefined;
}

/** A peer that does not know the question may answer anything. */
export function readGroupState(answer: unknown): GroupState | undefined {
  if (!isFields(answer)) return undefined;
  const { members, isBehind } = answer;
  return isWhole(members) && typeof isBehind === "boolean" ? { members, isBehind } : undefined;
}

function decoded(records: readonly WireRecord[]): readonly KafkaRecord[] | undefined {
  try {
    return records.map(fromWireRecord);
  } catch {
    // Text that is not base64.
    return undefined;
  }
}

/** A producer may stamp its records as it likes: with -1, or in nanoseconds. */
function isRecord(one: unknown): one is WireRecord {
  return (
    isPlace(one) &&
    isWhole(one["offset"]) &&
    typeof one["timestamp"] === "number" &&
    isTextOrNull(one["key"]) &&
    isTextOrNull(one["value"]) &&
    Array.isArray(one["headers"]) &&
    one["headers"].every(isHeader)
  );
}

function isHeader(one: unknown): one is WireHeader {
  return isFields(one) && typeof one["key"] === "string" && typeof one["value"] === "string";
}

function isOffset(one: unknown): one is WireOffset {
  return isPlace(one) && isWhole(one["offset"]) && typeof one["log"] === "string";
}

function isPlace(one: unknown): one is Record<string, unknown> & { topic: string; partition: number } {
  return isFields(one) && typeof one["topic"] === "string" && isWhole(one["partition"]);
}

function isCount(entry: [string, unknown]): entry is [string, number] {
  return isWhole(entry[1]) && entry[1] <= mostPartitions;
}

/** Topic names hold no slash. */
function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
