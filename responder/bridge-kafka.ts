// The kit over the bridge's Kafka REST API, under its /hearback prefix: a consumer instance of its own, whose
// place in the topic the bridge keeps. docs/protocol.md describes the wire.

import {
  fromWireRecord,
  hearbackPrefix,
  toWireNewRecord,
  type WireProduceAnswer,
  type WireRecord,
} from "../protocol/index.ts";
import type { BridgeConnection, MembershipOptions, ResponderKafka } from "./kafka.ts";

const pollWaitMs = 5_000;
/** How much longer than its wait a call may take. */
const graceMs = 5_000;
/** After a call that failed, and before its repeat. */
const pauseMs = 250;

type PartitionCounts = Readonly<Record<string, number>>;

export function createBridgeKafka(
  { bridge, username, password }: BridgeConnection,
  { topics, group, instance, sessionTimeoutMs, startAt, onConnection }: MembershipOptions,
): ResponderKafka {
  const base = bridge.replace(/\/$/, "") + hearbackPrefix;
  const headers = {
    authorization: `Basic ${btoa(`${username}:${password}`)}`,
    "content-type": "application/json",
    "kafka-enable-auto-commit": "false",
    "kafka-auto-offset-reset": startAt,
    "kafka-session-timeout-ms": String(sessionTimeoutMs),
  };
  let counts: { readonly at: number; readonly topics: Promise<PartitionCounts | undefined> } | undefined;
  let closing: Promise<unknown> | undefined;
  let isReached: boolean | undefined;
  /** An answer was lost, and the bridge may have gone on behind records that never came. */
  let mustStartOver = false;

  function told(trouble: string | undefined): void {
    const reached = trouble === undefined;
    if (isReached === reached) return;
    isReached = reached;
    onConnection(trouble ?? "the bridge is reached");
  }

  /** Undefined when there was no answer, or none that can be used; `told` has said so. */
  async function call<T>(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T | undefined> {
    const limit = AbortSignal.timeout(waitMs + graceMs);
    try {
      const response = await fetch(base + path, {
        method,
        headers,
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      if (response.ok) {
        told(undefined);
        return answer as T;
      }
      told(`the bridge answers ${response.status}: ${JSON.stringify(answer)}`);
    } catch (cause) {
      if (signal?.aborted !== true) told(`the bridge cannot be reached: ${reasonOf(cause)}`);
    }
    return undefined;
  }

  async function remove(): Promise<boolean> {
    // A 404, an instance that is not there, is as good.
    const response = await fetch(`${base}/delete-consumer/${group}/${instance}`, {
      method: "POST",
      headers,
      signal: AbortSignal.timeout(graceMs),
    }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok === true || response?.status === 404;
  }

  return {
    async consume(signal) {
      if (mustStartOver && (await remove())) mustStartOver = false;
      const records = mustStartOver
        ? undefined
        : await call<readonly WireRecord[]>(
            "POST",
            `/consume/${group}/${instance}`,
            { topics, timeout: pollWaitMs },
            { waitMs: pollWaitMs, signal },
          );
      if (records !== undefined) return records.map(fromWireRecord);
      mustStartOver = true;
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      return [];
    },

    async commit(offsets) {
      return (await call("POST", `/commit/${group}/${instance}`, offsets)) !== undefined;
    },

    async produce(record) {
      const answers = await call<readonly WireProduceAnswer[]>("POST", "/produce", toWireNewRecord(record));
      const answer = answers?.[0];
      if (answer === undefined) return { status: "unknown", reason: "the bridge did not answer" };
      if (!("refused" in answer)) return { status: "appended" };
      return { status: "refused", why: answer.why, reason: answer.refused };
    },

    async partitionCount(topic, maxAgeMs) {
      if (counts === undefined || Date.now() - counts.at >= maxAgeMs) {
        const asked = { at: Date.now(), topics: call<PartitionCounts>("GET", "/topics") };
        counts = asked;
        void asked.topics.then((found) => {
          if (found === undefined && counts === asked) counts = undefined;
        });
      }
      const found = await counts.topics;
      if (found === undefined) return undefined;
      return Object.hasOwn(found, topic) ? found[topic] : 0;
    },

    async close() {
      closing ??= remove();
      await closing;
    },
  };
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
