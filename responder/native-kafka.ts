// The kit on a Kafka cluster, by the native protocol.

import { createConsumers, endWithin, LogUnavailable } from "../kafka/log/index.ts";
import { openKafka, type KafkaConnection } from "../kafka/native/index.ts";
import type { MembershipOptions, ResponderKafka } from "./kafka.ts";

/** An empty poll ends after this; nothing depends on it but how soon an idle kit notices that it is stopped. */
const pollWaitMs = 2_000;
/** What is handed over at once. All of it is in memory until it is taken up. */
const pollBytes = 1024 * 1024;

/** A broker that hangs must not hold up the end; the session timeout ends the membership then. */
const closeMs = 5_000;

export function createNativeKafka(
  connection: KafkaConnection,
  { topics, group, instance, sessionTimeoutMs, uncommitted, onConnection }: MembershipOptions,
): ResponderKafka {
  const cluster = openKafka({
    clientName: "hearback-responder",
    ...connection,
    onEvent: onConnection,
  });
  const { log } = cluster;
  const consumers = createConsumers({
    log,
    groups: cluster.groups,
    maxBytes: pollBytes,
    onError: (cause) => onConnection(cause instanceof Error ? cause.message : String(cause)),
  });
  const name = { group, instance };
  const options = {
    autoCommit: false,
    autoCommitIntervalMs: 0,
    // What is older than anybody waits is skipped fast, and nothing is lost that way.
    reset: "earliest",
    uncommitted,
    sessionTimeoutMs,
    // Heartbeats go on while nothing is read for want of room; being slow is no reason to leave the group.
    idleTimeoutMs: Infinity,
  } as const;
  let assignment: string | undefined;
  let closing: Promise<void> | undefined;

  return {
    async consume(signal) {
      const answer = await consumers.consume({ ...name, topics, options, timeoutMs: pollWaitMs, signal });
      if ("refused" in answer) return { records: [], isReassigned: false };
      const isReassigned = answer.assignment !== assignment;
      assignment = answer.assignment;
      return { records: answer.records, isReassigned };
    },

    async commit(offsets) {
      try {
        return (await consumers.commit(name, offsets, assignment)) === "committed";
      } catch (cause) {
        if (cause instanceof LogUnavailable) return false;
        throw cause;
      }
    },

    async produce(record) {
      try {
        const [answer] = await log.produce([record]);
        if (answer === undefined || !("refused" in answer)) return { status: "appended" };
        return { status: "refused", why: answer.why, reason: answer.refused };
      } catch (cause) {
        if (cause instanceof LogUnavailable) return { status: "unknown", reason: cause.message };
        throw cause;
      }
    },

    async partitionCount(topic, maxAgeMs) {
      try {
        return await log.partitionCount(topic, maxAgeMs);
      } catch (cause) {
        if (cause instanceof LogUnavailable) return undefined;
        throw cause;
      }
    },

    close() {
      closing ??= endWithin(
        closeMs,
        consumers.close().then(() => cluster.close()),
      );
      return closing;
    },
  };
}
