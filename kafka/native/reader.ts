// One fetch at a time per broker on connections of its own, with what the answer means spelled out per partition.
// Who asks, for what and how often is up to the caller.

import { findErrorBy, NetworkError, type Consumer } from "@platformatic/kafka";
import { readBatches, type FetchAnswer, type FetchedPartition, type ReadPartition } from "./batches.ts";
import { errorNames, messageOf } from "./errors.ts";

export interface ReadRequest {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** `end`: of what may be read now. */
export type ReadOutcome =
  | (ReadPartition & { readonly status: "read"; readonly end: number })
  /** The offset is outside the partition. */
  | { readonly status: "astray" }
  /** There is no such partition under this identity any more. */
  | { readonly status: "gone" }
  /** Another broker leads. */
  | { readonly status: "moved" }
  /** The broker is out of reach. */
  | { readonly status: "lost"; readonly reason: string }
  /** The broker answered, but what it says cannot be used. */
  | { readonly status: "failed"; readonly reason: string };

export interface ReadOptions {
  /** How long the broker may hold an empty answer. */
  readonly maxWaitMs: number;
  readonly maxBytes: number;
}

const readCommitted = 1;
/**
 * Of a broker that was started again, or after an error in one partition, of which the client does not tell its
 * session. It begins another one by itself.
 */
const lostSession = new Set([
  "FETCH_SESSION_ID_NOT_FOUND",
  "INVALID_FETCH_SESSION_EPOCH",
  "FETCH_SESSION_TOPIC_ID_ERROR",
]);
/** Larger records come all the same: a broker always gives the first batch whole. */
const maxPartitionBytes = 1024 * 1024;

/** Codes of a partition's error in a fetch answer. https://kafka.apache.org/43/design/protocol/#error-codes */
const outcomeByCode: ReadonlyMap<number, ReadOutcome> = new Map([
  [1, { status: "astray" }],
  [3, { status: "gone" }],
  [100, { status: "gone" }],
  [103, { status: "gone" }],
  [5, { status: "moved" }],
  [6, { status: "moved" }],
  [9, { status: "moved" }],
  [74, { status: "moved" }],
  [75, { status: "moved" }],
]);

/**
 * One outcome per request, in order. No partition may be asked for twice. The client keeps one fetch session
 * per broker, so a second call for the same broker must wait for the first. Never rejects.
 */
export async function readFrom(
  consumer: Consumer,
  broker: number,
  requests: readonly ReadRequest[],
  { maxWaitMs, maxBytes, isRepeat = false }: ReadOptions & { readonly isRepeat?: boolean },
): Promise<readonly ReadOutcome[]> {
  let response: FetchAnswer;
  try {
    response = await consumer.fetch({
      node: broker,
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: readCommitted,
      topics: groupByTopic(requests),
    });
  } catch (cause) {
    // An error of one partition fails the call, but the answer for the others is there.
    const partial = findErrorBy(cause instanceof Error ? cause : null, "code", "PLT_KFK_RESPONSE")?.[
      "response"
    ] as FetchAnswer | undefined;
    if (partial === undefined || partial.errorCode !== 0) {
      const isLost = isOutOfReach(cause);
      if (errorNames(cause).some((name) => lostSession.has(name)) && !isRepeat) {
        return readFrom(consumer, broker, requests, { maxWaitMs, maxBytes, isRepeat: true });
      }
      // What cannot be decoded in one partition must not keep the others from being read.
      if (!isLost && requests.length > 1) return readOneByOne(consumer, broker, requests, maxBytes);
      if (isLost) await renewBrokers(consumer);
      return requests.map(() => ({ status: isLost ? "lost" : "failed", reason: messageOf(cause) }));
    }
    response = partial;
  }
  const found = new Map<string, FetchedPartition>();
  for (const { topicId, partitions } of response.responses) {
    for (const partition of partitions) found.set(`${topicId}/${partition.partitionIndex}`, partition);
  }
  return requests.map((request) => outcomeOf(request, found.get(`${request.topicId}/${request.partition}`)));
}

async function readOneByOne(
  consumer: Consumer,
  broker: number,
  requests: readonly ReadRequest[],
  maxBytes: number,
): Promise<readonly ReadOutcome[]> {
  const outcomes: ReadOutcome[] = [];
  for (const request of requests) {
    outcomes.push(...(await readFrom(consumer, broker, [request], { maxWaitMs: 0, maxBytes })));
  }
  return outcomes;
}

function outcomeOf(request: ReadRequest, partition: FetchedPartition | undefined): ReadOutcome {
  // A session leaves out partitions with nothing new.
  if (partition === undefined)
    return { status: "read", records: [], next: request.offset, end: request.offset };
  if (partition.errorCode !== 0) {
    return (
      outcomeByCode.get(partition.errorCode) ?? {
        status: "failed",
        reason: `error code ${partition.errorCode}`,
      }
    );
  }
  const end = Number(partition.lastStableOffset >= 0n ? partition.lastStableOffset : partition.highWatermark);
  return { status: "read", ...readBatches(request.topic, request.offset, partition), end };
}

function groupByTopic(requests: readonly ReadRequest[]) {
  const byTopic = Map.groupBy(requests, ({ topicId }) => topicId);
  return Array.from(byTopic, ([topicId, ofTopic]) => ({
    topicId,
    partitions: ofTopic.map(({ partition, offset }) => ({
      partition,
      fetchOffset: BigInt(offset),
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxPartitionBytes,
    })),
  }));
}

/** The connection failed, or the client has not heard of this broker: it was away when it last asked for all. */
function isOutOfReach(cause: unknown): boolean {
  const error = cause instanceof Error ? cause : null;
  return (
    findErrorBy(error, "code", NetworkError.code) !== null ||
    error?.message.startsWith("Cannot find broker") === true
  );
}

/** A broker may have come back under another address. Fails like the fetch did when nothing is reachable. */
async function renewBrokers(consumer: Consumer): Promise<void> {
  await consumer.metadata({ topics: [], forceUpdate: true }).catch(() => undefined);
}
