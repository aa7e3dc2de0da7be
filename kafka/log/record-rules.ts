// What a record must be like to be taken and where it goes, whatever the backend: the rules that need no state.
// Which topics exist, and how many partitions they have, is the backend's business.

import { maxRecordBytes, partitionForKey, recordBytes, type NewRecord } from "../../protocol/index.ts";
import type { Refused } from "./log.ts";

/** Seconds until a refusal that only a changed record or configuration can cure is worth another look. */
export const lastingRetryAfter = 60;

/** Kafka's own rule. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..";
}

/** Undefined when nothing speaks against the record by itself. */
export function refusalOf(record: NewRecord): Refused | undefined {
  if (!isTopicName(record.topic)) {
    return invalid("a topic name has 1 to 249 of the characters a-z A-Z 0-9 . _ -");
  }
  const bytes = recordBytes(record);
  if (bytes > maxRecordBytes) {
    const refused = `the record has ${bytes} bytes, more than ${maxRecordBytes}`;
    return { refused, why: "too-large", retryAfter: lastingRetryAfter };
  }
  return undefined;
}

/** The one it names, the one of its key, or the next in turn. Its topic has `count`. */
export function choosePartition(
  { topic, partition, key }: NewRecord,
  count: number,
  next: () => number,
): number | Refused {
  if (partition === undefined) return key === null ? next() : partitionForKey(key, count);
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition;
  return invalid(`partition ${partition} is none of the ${count} of topic ${topic}`);
}

export function invalid(refused: string): Refused {
  return { refused, why: "invalid", retryAfter: lastingRetryAfter };
}
