// What a cluster has, and how to give it more: the only file here that talks to Kafka.

import { Admin, ConfigResourceTypes } from "@platformatic/kafka";
import { clientOptions, type KafkaConnection } from "../../kafka/native/index.ts";
import type { FoundTopic } from "./compare.ts";
import type { NewTopic } from "./wanted.ts";

export interface ClusterState {
  readonly brokers: number;
  /** Of the topics asked for, those that exist, in the order asked for. */
  readonly topics: readonly FoundTopic[];
}

export interface Cluster {
  /** Rejects when the cluster does not answer or does not let us in. */
  describe(names: readonly string[]): Promise<ClusterState>;
  create(topic: NewTopic): Promise<void>;
  /** To `count` in total. */
  addPartitions(name: string, count: number): Promise<void>;
  close(): Promise<void>;
}

const timeoutMs = 5_000;

export function openCluster(connection: KafkaConnection): Cluster {
  const admin = new Admin({
    ...clientOptions(connection, "topics"),
    connectTimeout: timeoutMs,
    timeout: timeoutMs,
    retries: 1,
  });
  return {
    async describe(names) {
      const existing = new Set(await admin.listTopics());
      const wanted = names.filter((name) => existing.has(name));
      const metadata = await admin.metadata({ topics: wanted, autocreateTopics: false, forceUpdate: true });
      if (wanted.length === 0) return { brokers: metadata.brokers.size, topics: [] };
      const described = await admin.describeConfigs({
        resources: wanted.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName })),
      });
      const topics = described.map(({ resourceName: name, configs }): FoundTopic => {
        const values = new Map(configs.map((config) => [config.name, config.value]));
        const number = (key: string): number => Number(values.get(key) ?? Number.NaN);
        const partitions = metadata.topics.get(name)?.partitions ?? [];
        return {
          name,
          partitions: partitions.length,
          replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
          minInsyncReplicas: number("min.insync.replicas"),
          cleanupPolicy: values.get("cleanup.policy") ?? "",
          retentionMs: number("retention.ms"),
          maxMessageBytes: number("max.message.bytes"),
        };
      });
      const order = new Map(names.map((name, at) => [name, at]));
      const at = ({ name }: FoundTopic): number => order.get(name) ?? names.length;
      return { brokers: metadata.brokers.size, topics: topics.toSorted((a, b) => at(a) - at(b)) };
    },
    async create({ name, partitions, replicas, configs }) {
      await admin.createTopics({
        topics: [name],
        partitions,
        replicas,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      });
    },
    addPartitions: (name, count) => admin.createPartitions({ topics: [{ name, count }] }),
    close: () => admin.close(),
  };
}
