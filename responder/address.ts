// Whether a reply may go where its request wants it: the address comes from whoever wrote the request, and one
// that makes no sense must not reach a producer.

import type { DeadLetterReason, ReplyAddress } from "../protocol/index.ts";
import type { PartitionCounts } from "./partition-counts.ts";

export type AddressVerdict =
  | { readonly status: "usable" }
  | { readonly status: "unusable"; readonly reason: DeadLetterReason }
  /** Kafka is out of reach. */
  | { readonly status: "unknown" };

export interface AllowedTopics {
  /** Names of topics, or prefixes that end in `*`. */
  readonly allowed: readonly string[];
  /** Not even if they are allowed. */
  readonly forbidden: ReadonlySet<string>;
}

export async function checkAddress(
  { replyTopic, replyPartition = 0 }: ReplyAddress,
  { allowed, forbidden }: AllowedTopics,
  counts: PartitionCounts,
): Promise<AddressVerdict> {
  const isNamed = allowed.includes(replyTopic);
  const isAllowed =
    isNamed || allowed.some((each) => each.endsWith("*") && replyTopic.startsWith(each.slice(0, -1)));
  if (!isAllowed || forbidden.has(replyTopic)) return { status: "unusable", reason: "reply_topic_forbidden" };
  let count = await counts.known(replyTopic);
  // It may have come a moment ago.
  if (count !== undefined && replyPartition >= count) count = await counts.fresh(replyTopic);
  if (count === undefined) return { status: "unknown" };
  // The first reply makes a topic that is named; a prefix lets nobody make as many as they like.
  if (count === 0 && isNamed) return { status: "usable" };
  if (count === 0) return { status: "unusable", reason: "reply_topic_unknown" };
  if (replyPartition >= count) return { status: "unusable", reason: "reply_partition_unknown" };
  return { status: "usable" };
}
