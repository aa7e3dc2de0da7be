// What a broker says of the responder's group: whether it reads, and how far it is behind. It reads no records.

import { setTimeout as sleep } from "node:timers/promises";
import { Admin, ListOffsetTimestamps } from "@platformatic/kafka";

export interface GroupView {
  createTopics(names: readonly string[], partitions: number): Promise<void>;
  /** Resolves when the group has one member that knows its partitions. Rejects when it has not after 30 s. */
  settled(): Promise<void>;
  /** Records of the topic behind what the group has committed. */
  backlog(): Promise<number>;
  /** From now on the group, which must have no member, begins behind all that is there. */
  skipAll(): Promise<void>;
  /** Deletes all records that are in these topics now. */
  empty(names: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const settleTimeoutMs = 30_000;
const pollMs = 50;

export function openGroupView({
  brokers,
  group,
  topic,
}: {
  readonly brokers: string;
  readonly group: string;
  readonly topic: string;
}): GroupView {
  const admin = new Admin({ clientId: "bench-world", bootstrapBrokers: brokers.split(",") });

  /** Where the next record of each partition will be. */
  async function ends(of = topic): Promise<ReadonlyMap<number, bigint>> {
    const metadata = await admin.metadata({ topics: [of] });
    const count = metadata.topics.get(of)?.partitionsCount ?? 0;
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }));
    const listed = await admin.listOffsets({ topics: [{ name: of, partitions }] });
    return new Map(
      listed.flatMap(({ partitions: found }) =>
        found.map(({ partitionIndex, offset }) => [partitionIndex, offset] as const),
      ),
    );
  }

  return {
    async createTopics(names, partitions) {
      await admin.createTopics({ topics: [...names], partitions, replicas: 1 });
    },

    async settled() {
      const giveUpAt = Date.now() + settleTimeoutMs;
      for (;;) {
        const found = (await admin.describeGroups({ groups: [group] })).get(group);
        if (found?.state.toLowerCase() === "stable" && found.members.size === 1) return;
        if (Date.now() > giveUpAt)
          throw new Error(`the group ${group} is ${found?.state} with ${found?.members.size} members`);
        await sleep(pollMs);
      }
    },

    async backlog() {
      const [latest, offsets] = await Promise.all([
        ends(),
        admin.listConsumerGroupOffsets({ groups: [group] }),
      ]);
      const committed = new Map(
        offsets
          .flatMap(({ topics }) => topics)
          .filter(({ name }) => name === topic)
          .flatMap(({ partitions }) => partitions)
          .map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset] as const),
      );
      let behind = 0n;
      for (const [partition, end] of latest) {
        const at = committed.get(partition) ?? 0n;
        behind += end - (at > 0n ? at : 0n);
      }
      return Number(behind);
    },

    async skipAll() {
      const partitionOffsets = [...(await ends())].map(([partition, offset]) => ({ partition, offset }));
      await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets }] });
    },

    async empty(names) {
      const topics = await Promise.all(
        names.map(async (name) => ({
          name,
          partitions: [...(await ends(name))].map(([partition, offset]) => ({ partition, offset })),
        })),
      );
      await admin.deleteRecords({ topics });
    },

    close: () => admin.close(),
  };
}
