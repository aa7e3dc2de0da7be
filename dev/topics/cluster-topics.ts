// The topics of a cluster as it has them, and making those that are missing. What they should be is wanted.ts.

import { Admin, ConfigResourceTypes } from "@platformatic/kafka";
import { clientOptions, type KafkaConnection } from "../../bridge/index.ts";
import { newTopicRetentionMs, type FoundTopic, type WantedTopic } from "./wanted.ts";

export interface ClusterTopics {
  find(names: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>>;
  /** `replicas` -1: as many as the cluster thinks right. */
  create(topic: WantedTopic, replicas: number): Promise<void>;
  /** Existing records stay where they are. */
  grow(name: string, partitions: number): Promise<void>;
  close(): Promise<void>;
}

export function openClusterTopics(connection: KafkaConnection): ClusterTopics {
  const admin = new Admin({ ...clientOptions(connection, "topics"), retries: 3 });
  return {
    async find(names) {
      const existing = new Set(await admin.listTopics({}));
      const present = names.filter((name) => existing.has(name));
      if (present.length === 0) return new Map();
      const { topics } = await admin.metadata({ topics: [...present], forceUpdate: true });
      const described = await admin.describeConfigs({
        resources: present.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName })),
      });
      const configs = new Map(
        described.map(({ resourceName, configs: ofTopic }) => [
          resourceName,
          new Map(ofTopic.map(({ name, value }) => [name, value ?? ""])),
        ]),
      );
      return new Map(
        present.map((name): [string, FoundTopic] => {
          const partitions = topics.get(name)?.partitions ?? [];
          const config = configs.get(name);
          return [
            name,
            {
              name,
              partitions: partitions.length,
              replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
              cleanupPolicy: config?.get("cleanup.policy") ?? "",
              retentionMs: Number(config?.get("retention.ms")),
              maxMessageBytes: Number(config?.get("max.message.bytes")),
              minInSyncReplicas: Number(config?.get("min.insync.replicas")),
            },
          ];
        }),
      );
    },

    async create({ name, partitions, retentionMs }, replicas) {
      await admin.createTopics({
        topics: [name],
        partitions,
        replicas,
        configs: [
          { name: "cleanup.policy", value: "delete" },
          { name: "retention.ms", value: String(Math.max(retentionMs, newTopicRetentionMs)) },
        ],
      });
    },

    async grow(name, partitions) {
      await admin.createPartitions({ topics: [{ name, count: partitions, assignments: [] }] });
    },

    close: () => admin.close(),
  };
}
