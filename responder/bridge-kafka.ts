// The kit over the bridge's Kafka REST API, under its /hearback prefix: a consumer instance of its own, whose
// place in the topic the bridge keeps. docs/protocol.md describes the wire.

import { randomBytes } from "node:crypto";
import { callRest, failureOf, maxAnswerBytes } from "../kafka/index.ts";
import {
  assignmentHeader,
  hearbackPrefix,
  readProduceAnswer,
  readRecords,
  readTopics,
  toWireNewRecord,
  type KafkaRecord,
} from "../protocol/index.ts";
import type { BridgeConnection, MembershipOptions, ResponderKafka } from "./kafka.ts";

const pollWaitMs = 5_000;
/** How much longer than its wait a call may take. */
const graceMs = 5_000;
/** After a call that failed, and before its repeat. */
const pauseMs = 250;

interface Call<T> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** Undefined: it is no answer to this call. */
  readonly read: (answer: unknown) => T | undefined;
  readonly maxBytes?: number;
  /** HTTP status by which the bridge says no more than that there is nothing to be done. */
  readonly nothingToDo?: number;
  /** How long the bridge may take by itself. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /** Headers of this call. */
  readonly own?: Readonly<Record<string, string>>;
}

interface Called<T> {
  readonly answer: T;
  readonly headers: Headers;
}

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
  let counts:
    { readonly at: number; readonly topics: Promise<ReadonlyMap<string, number> | undefined> } | undefined;
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

  /** Undefined when there was no answer, or none that can be believed; `told` has said so. */
  async function call<T>(asked: Call<T>): Promise<Called<T> | "nothing-to-do" | undefined> {
    const { method, path, body, read, waitMs = 0, signal, own = {}, nothingToDo } = asked;
    const limit = AbortSignal.timeout(waitMs + graceMs);
    const answered = await callRest(base + path, {
      method,
      headers: { ...headers, ...own },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      maxBytes: asked.maxBytes ?? maxAnswerBytes.others,
    });
    switch (answered.status) {
      case "answered": {
        const answer = read(answered.json);
        told(answer === undefined ? "something answers that is not the bridge" : undefined);
        return answer === undefined ? undefined : { answer, headers: answered.headers };
      }
      case "failed":
        // In the bridge's own words; a proxy has a 404 for everything, too.
        if (answered.code === nothingToDo && answered.error !== undefined) return "nothing-to-do";
        told(failureOf(answered));
        return undefined;
      case "lost":
        if (signal?.aborted !== true) told(`the bridge cannot be reached: ${reasonOf(answered.cause)}`);
        return undefined;
    }
  }

  async function countPartitions(): Promise<ReadonlyMap<string, number> | undefined> {
    const maxBytes = maxAnswerBytes.topics;
    const found = await call({ method: "GET", path: "/topics", read: readTopics, maxBytes });
    return found === undefined || found === "nothing-to-do" ? undefined : found.answer;
  }

  /** False: nobody knows whether the bridge still has it. */
  async function remove(): Promise<boolean> {
    const path = `/delete-consumer/${group}/${instance}`;
    // An instance that is not there is as good.
    return (await call({ method: "POST", path, read: readSuccess, nothingToDo: 404 })) !== undefined;
  }

  return {
    // Three signs of life in the time after which the bridge takes silence for the end.
    renewEveryMs: sessionTimeoutMs / 3,

    async consume(signal) {
      if (mustStartOver && (await remove())) mustStartOver = false;
      const polled = mustStartOver
        ? undefined
        : await call({
            method: "POST",
            path: `/consume/${group}/${instance}`,
            body: { topics, timeout: pollWaitMs },
            read: (answer) => recordsOf(topics, answer),
            maxBytes: maxAnswerBytes.records,
            waitMs: pollWaitMs,
            signal,
          });
      if (polled === undefined || polled === "nothing-to-do") {
        mustStartOver = true;
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        return { records: [], isReassigned: false };
      }
      const dealt = polled.headers.get(assignmentHeader) ?? undefined;
      const isReassigned = dealt !== assignment;
      assignment = dealt;
      return { records: polled.answer, isReassigned };
    },

    async commit(offsets) {
      const own = assignment === undefined ? {} : { [assignmentHeader]: assignment };
      const path = `/commit/${group}/${instance}`;
      // 409: partitions were dealt out anew; nothing is wrong with the bridge.
      const said = await call({
        method: "POST",
        path,
        body: offsets,
        read: readSuccess,
        nothingToDo: 409,
        own,
      });
      return said !== undefined && said !== "nothing-to-do";
    },

    async produce(record) {
      const produced = await call({
        method: "POST",
        path: "/produce",
        body: toWireNewRecord(record),
        read: (all) => (Array.isArray(all) ? readProduceAnswer(all[0], record.topic) : undefined),
      });
      if (produced === undefined || produced === "nothing-to-do") {
        return { status: "unknown", reason: "the bridge did not answer" };
      }
      const { answer } = produced;
      if (!("refused" in answer)) return { status: "appended" };
      return { status: "refused", why: answer.why, reason: answer.refused };
    },

    async partitionCount(topic, maxAgeMs) {
      if (counts === undefined || Date.now() - counts.at >= maxAgeMs) {
        const asked = { at: Date.now(), topics: countPartitions() };
        counts = asked;
        void asked.topics.then((found) => {
          if (found === undefined && counts === asked) counts = undefined;
        });
      }
      const found = await counts.topics;
      return found === undefined ? undefined : (found.get(topic) ?? 0);
    },

    async close() {
      closing ??= remove();
      await closing;
    },
  };
}

function recordsOf(topics: readonly string[], answer: unknown): readonly KafkaRecord[] | undefined {
  const records = readRecords(answer);
  return records?.every(({ topic }) => topics.includes(topic)) === true ? records : undefined;
}

/** What the bridge says where there is nothing to be told. */
function readSuccess(answer: unknown): true | undefined {
  const isSuccess = typeof answer === "object" && answer !== null && "result" in answer;
  return isSuccess && answer.result === "Success" ? true : undefined;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
