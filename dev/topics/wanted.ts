// The topics that a config needs, and how we make one that is missing. Pure; no broker is asked.

import type { GatewayConfig } from "../../worker/config.ts";

export interface WantedTopic {
  readonly name: string;
  readonly role: "request" | "reply";
  /** Of a reply topic: what the config counts on. Of a request topic: only what a new one gets. */
  readonly partitions: number;
  /** Who reads partitions beyond those: this deployment from its next tick on, others, or nobody. */
  readonly beyond: "read" | "others" | "astray";
  /** The longest wait on this topic, in ms: a record must not go sooner. */
  readonly longestTimeoutMs: number;
  /** The largest request body, in bytes; 0 for a reply topic. */
  readonly largestBodyBytes: number;
}

/** Partitions that a new request topic gets: how many responders can share the work. */
export const defaultRequestPartitions = 3;
const hourMs = 3_600_000;
const newRetentionMs = { request: 24 * hourMs, reply: hourMs };
const preferredReplicas = 3;

/** Each topic once, in the order of the services. */
export function wantedTopics(
  services: GatewayConfig["services"],
  requestPartitions: number = defaultRequestPartitions,
): WantedTopic[] {
  const topics = new Map<string, WantedTopic>();
  const want = (topic: WantedTopic): void => {
    const known = topics.get(topic.name) ?? topic;
    topics.set(topic.name, {
      ...known,
      beyond: topic.beyond === "astray" ? topic.beyond : known.beyond,
      longestTimeoutMs: Math.max(known.longestTimeoutMs, topic.longestTimeoutMs),
      largestBodyBytes: Math.max(known.largestBodyBytes, topic.largestBodyBytes),
    });
  };
  for (const service of services) {
    const { requestTopic, replyTopic, replyPartitions, replyRouting, bodyLimitBytes } = service;
    const longestTimeoutMs = service.asyncTimeoutMs;
    want({
      name: requestTopic,
      role: "request",
      partitions: requestPartitions,
      beyond: "others",
      longestTimeoutMs,
      largestBodyBytes: bodyLimitBytes,
    });
    want({
      name: replyTopic,
      role: "reply",
      ...(typeof replyPartitions === "number"
        ? { partitions: replyPartitions, beyond: "read" }
        : { partitions: replyPartitions.of, beyond: replyRouting === "key" ? "astray" : "others" }),
      longestTimeoutMs,
      largestBodyBytes: 0,
    });
  }
  return [...topics.values()];
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** With `replicas` undefined: three, or as many as there are brokers. One may be down where there are three. */
export function newTopic(topic: WantedTopic, brokers: number, replicas?: number): NewTopic {
  const copies = replicas ?? Math.min(preferredReplicas, brokers);
  return {
    name: topic.name,
    partitions: topic.partitions,
    replicas: copies,
    configs: {
      "cleanup.policy": "delete",
      "retention.ms": String(Math.max(newRetentionMs[topic.role], 10 * topic.longestTimeoutMs)),
      "min.insync.replicas": String(Math.max(1, copies - 1)),
    },
  };
}
