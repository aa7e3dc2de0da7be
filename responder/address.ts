// Whether a reply may go where its request wants it: the address comes from whoever wrote the request, and one
// that makes no sense must not reach a producer.

import type { DeadLetterReason, ReplyAddress } from "../protocol/index.ts";

export type AddressVerdict =
  | { readonly status: "usable" }
  | { readonly status: "unusable"; readonly reason: DeadLetterReason }
  /** Kafka is out of reach. */
  | { readonly status: "unknown" };

/** How old a known partition count may be. A partition beyond it is asked for anew. */
const countAgeMs = 30_000;

export interface AllowedTopics {
  /** Names of topics, or prefixes that end in `*`. */
  readonly allowed: readonly string[];
  /** Not even if they are allowed. */
  readonly forbidden: ReadonlySet<string>;
}

export async function checkAddress(
  { replyTopic, replyPartition = 0 }: ReplyAddress,
  { allowed, forbidden }: AllowedTopics,
  partitionCount: (topic: string, maxAgeMs: number) => Promise<number | undefined>,
): Promise<AddressVerdict> {
  const isNamed = allowed.includes(replyTopic);
  const isAllowed =
    isNamed || allowed.some((each) => each.endsWith("*") && replyTopic.startsWith(each.slice(0, -1)));
  if (!isAllowed || forbidden.has(replyTopic)) return { status: "unusable", reason: "reply_topic_forbidden" };
  let count = await partitionCount(replyTopic, countAgeMs);
  if (count !== undefined && replyPartition >= count) count = await partitionCount(replyTopic, 0);
  if (count === undefined) return { status: "unknown" };
  // The first reply makes a topic that is named; a prefix lets nobody make as many as they like.
  if (count === 0 && isNamed) return { status: "usable" };
  if (count === 0) return { status: "unusable", reason: "reply_topic_unknown" };
  if (replyPartition >= count) return { status: "unusable", reason: "reply_partition_unknown" };
  return { status: "usable" };
}
