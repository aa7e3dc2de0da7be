// Brings a cluster to what a config needs, as far as that loses nothing: missing topics, missing reply partitions.

import type { Cluster } from "./cluster.ts";
import { compareTopics, type Finding, type FoundTopic } from "./compare.ts";
import { newTopic, type WantedTopic } from "./wanted.ts";

export interface TopicsReport {
  readonly topics: readonly FoundTopic[];
  /** What is left to say. */
  readonly findings: readonly Finding[];
  /** What was done, a line each. */
  readonly done: readonly string[];
}

export async function describeTopics(
  cluster: Cluster,
  wanted: readonly WantedTopic[],
): Promise<TopicsReport> {
  const { brokers, topics } = await cluster.describe(wanted.map(({ name }) => name));
  return { topics, findings: compareTopics(wanted, topics, brokers), done: [] };
}

/** `replicas` of new topics; undefined: by the number of brokers. Rejects when Kafka refuses. */
export async function ensureTopics(
  cluster: Cluster,
  wanted: readonly WantedTopic[],
  replicas?: number,
): Promise<TopicsReport> {
  const { brokers, topics } = await cluster.describe(wanted.map(({ name }) => name));
  const done: string[] = [];
  const byName = new Map(wanted.map((topic) => [topic.name, topic]));
  for (const { topic: name, remedy } of compareTopics(wanted, topics, brokers)) {
    const topic = byName.get(name);
    if (topic === undefined) continue;
    if (remedy === "create") {
      const made = newTopic(topic, brokers, replicas);
      await cluster.create(made);
      done.push(`created ${name}: ${made.partitions} partitions, replication ${made.replicas}`);
    } else if (remedy === "add partitions") {
      await cluster.addPartitions(name, topic.partitions);
      done.push(`${name} has ${topic.partitions} partitions now`);
    }
  }
  if (done.length === 0) return await describeTopics(cluster, wanted);
  return { ...(await settled(cluster, wanted)), done };
}

/** Kafka answers a creation before every broker shows it. */
async function settled(cluster: Cluster, wanted: readonly WantedTopic[]): Promise<TopicsReport> {
  const giveUpAt = Date.now() + 5_000;
  for (;;) {
    const report = await describeTopics(cluster, wanted).catch(() => undefined);
    const isSettled = report !== undefined && report.findings.every(({ remedy }) => remedy === undefined);
    if (isSettled) return report;
    if (Date.now() > giveUpAt) return await describeTopics(cluster, wanted);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
