// The kit over the bridge's Kafka REST API, under its /hearback prefix: a consumer instance of its own, whose
// place in the topic the bridge keeps. docs/protocol.md describes the wire.

import { randomBytes } from "node:crypto";
import {
  assignmentHeader,
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

interface CallOptions {
  /** How long the bridge may take by itself. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /** Headers of this call. */
  readonly own?: Readonly<Record<string, string>>;
}

type PartitionCounts = Readonly<Record<string, number>>;

export function createBridgeKafka(
  { bridge, username, password }: BridgeConnection,
  { topics, group, instance: named, sessionTimeoutMs, onConnection }: MembershipOptions,
): ResponderKafka {
  const base = bridge.replace(/\/$/, "") + hearbackPrefix;
  // The bridge hands out each record once per instance, so that two processes must never share one.
  const instance = `${named.slice(0, 200)}-${randomBytes(4).toString("hex")}`;
  const headers = {
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
    "content-type": "application/json",
    "kafka-enable-auto-commit": "false",
    "kafka-auto-offset-reset": "earliest",
    "kafka-session-timeout-ms": String(sessionTimeoutMs),
  };
  let counts: { readonly at: number; readonly topics: ReturnType<typeof call<PartitionCounts>> } | undefined;
  let closing: Promise<unknown> | undefined;
  let isReached: boolean | undefined;
  let assignment: string | undefined;
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
    { waitMs = 0, signal, own = {} }: CallOptions = {},
  ): Promise<{ readonly answer: T; readonly headers: Headers } | undefined> {
    const limit = AbortSignal.timeout(waitMs + graceMs);
    try {
      const response = await fetch(base + path, {
        method,
        headers: { ...headers, ...own },
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      if (response.ok) {
        told(undefined);
        return { answer: answer as T, headers: response.headers };
      }
      // Partitions were dealt out anew; nothing is wrong with the bridge.
      if (response.status === 409) return undefined;
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
    if (response === undefined) return false;
    if (response.ok || response.status === 404) return true;
    told(`the bridge answers ${response.status} to the end of a membership`);
    return false;
  }

  return {
    // Three signs of life in the time after which the bridge takes silence for the end.
    renewEveryMs: sessionTimeoutMs / 3,

    async consume(signal) {
      if (mustStartOver && (await remove())) mustStartOver = false;
      const polled = mustStartOver
        ? undefined
        : await call<unknown>(
            "POST",
            `/consume/${group}/${instance}`,
            { topics, timeout: pollWaitMs },
            { waitMs: pollWaitMs, signal },
          );
      if (polled === undefined || !Array.isArray(polled.answer)) {
        mustStartOver = true;
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        return { records: [], isReassigned: false };
      }
      const dealt = polled.headers.get(assignmentHeader) ?? undefined;
      const isReassigned = dealt !== assignment;
      assignment = dealt;
      return { records: (polled.answer as WireRecord[]).map(fromWireRecord), isReassigned };
    },

    async commit(offsets) {
      const own = assignment === undefined ? {} : { [assignmentHeader]: assignment };
      return (await call("POST", `/commit/${group}/${instance}`, offsets, { own })) !== undefined;
    },

    async produce(record) {
      const produced = await call<readonly WireProduceAnswer[]>("POST", "/produce", toWireNewRecord(record));
      const answer = produced?.answer[0];
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
      const found = (await counts.topics)?.answer;
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
