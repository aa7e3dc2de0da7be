// The topics of a config on a cluster: looked at, and made where they are missing.

import type { KafkaConnection } from "../../bridge/index.ts";
import { openClusterTopics } from "./cluster-topics.ts";
import { findingsOf, wantedTopics, type Finding, type FoundTopic, type ServiceTopics } from "./wanted.ts";

export interface TopicReport {
  readonly name: string;
  /** As it is now; undefined when it is missing. */
  readonly found: FoundTopic | undefined;
  readonly findings: readonly Finding[];
  readonly done: "created" | "grown" | undefined;
}

export interface TopicsOptions {
  readonly connection: KafkaConnection;
  readonly services: readonly ServiceTopics[];
  readonly requestPartitions: number;
  /** Whether what is missing is made. */
  readonly create: boolean;
  /** Of new topics; -1: as many as the cluster thinks right. */
  readonly replicas: number;
}

export async function checkTopics(options: TopicsOptions): Promise<readonly TopicReport[]> {
  const { connection, services, requestPartitions, create, replicas } = options;
  const wanted = wantedTopics(services, requestPartitions);
  const names = wanted.map(({ name }) => name);
  const replyTopics = new Set(services.map(({ replyTopic }) => replyTopic));
  const cluster = openClusterTopics(connection);
  try {
    const before = await cluster.find(names);
    const done = new Map<string, "created" | "grown">();
    for (const topic of create ? wanted : []) {
      const found = before.get(topic.name);
      if (found === undefined) {
        await cluster.create(topic, replicas);
        done.set(topic.name, "created");
      } else if (replyTopics.has(topic.name) && found.partitions < topic.partitions) {
        await cluster.grow(topic.name, topic.partitions);
        done.set(topic.name, "grown");
      }
    }
    const after = done.size === 0 ? before : await cluster.find(names);
    return wanted.map((topic) => {
      const found = after.get(topic.name);
      const findings = findingsOf(topic, found, replyTopics.has(topic.name));
      return { name: topic.name, found, findings, done: done.get(topic.name) };
    });
  } finally {
    await cluster.close();
  }
}
