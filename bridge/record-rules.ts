// What a record must be like to be taken, whatever the backend: the rules that need no state. Whether its
// partition exists or there is room for its topic is the backend's business.

import { maxRecordBytes, recordBytes, type NewRecord } from "../protocol/index.ts";
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
    return refuse("invalid", "a topic name has 1 to 249 of the characters a-z A-Z 0-9 . _ -");
  }
  const bytes = recordBytes(record);
  if (bytes > maxRecordBytes) {
    return refuse("too-large", `the record has ${bytes} bytes, more than ${maxRecordBytes}`);
  }
  return undefined;
}

function refuse(why: "invalid" | "too-large", refused: string): Refused {
  return { refused, why, retryAfter: lastingRetryAfter };
}
