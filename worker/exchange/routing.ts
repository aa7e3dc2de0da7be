// How a reply finds the deployment that waits for it: which partition a request names, and which correlation
// IDs may be used where it names none. Pure but for the minting, which comes in as a function.

import { encodeText, partitionForKey, type OwnedPartitions } from "../../protocol/index.ts";

/**
 * `partition`: the request names the partition of its reply. `key`: the reply's key, the correlation ID, leads to
 * a partition that this deployment owns. `shared`: every deployment reads all replies and drops foreign ones.
 */
export type ReplyRouting = "partition" | "key" | "shared";

/** What of a service concerns the way of its replies. */
export interface ReplyRoute {
  readonly replyPartitions: number | OwnedPartitions;
  readonly replyRouting: ReplyRouting;
}

/** Of the partitions of a topic, at least one in this many must be owned where IDs are minted until one fits. */
export const mostPartitionsPerOwned = 100;
/** With this many times the tries needed on average, one mint in 500 million finds no ID. */
const triesPerExpectedTry = 20;

/** The partition that a request names for its reply; undefined where it names none. */
export function replyPartitionFor(
  { replyPartitions, replyRouting }: ReplyRoute,
  correlationId: string,
): number | undefined {
  if (replyRouting !== "partition") return undefined;
  const key = encodeText(correlationId);
  if (typeof replyPartitions === "number") return partitionForKey(key, replyPartitions);
  const { own } = replyPartitions;
  return own[partitionForKey(key, own.length)];
}

/**
 * The first ID, `first` or a minted one, whose reply comes to this deployment. Where the key does not decide that
 * is `first`; where it does, one in (partitions / owned ones) fits. Rejects when too many do not.
 */
export async function mintRouted(
  { replyPartitions, replyRouting }: ReplyRoute,
  first: string,
  mint: () => string | Promise<string>,
): Promise<string> {
  if (replyRouting !== "key" || typeof replyPartitions === "number") return first;
  const { own, of } = replyPartitions;
  const mostTries = Math.ceil((triesPerExpectedTry * of) / own.length);
  let id = first;
  for (let tries = 1; !own.includes(partitionForKey(encodeText(id), of)); tries++) {
    if (tries >= mostTries) throw new Error(`none of ${tries} IDs hashes to an owned reply partition`);
    id = await mint();
  }
  return id;
}
