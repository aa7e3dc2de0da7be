// A partition in one string.

import type { TopicPartition } from "../kafka/index.ts";

/** Also how a record's source is written, before its offset. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
