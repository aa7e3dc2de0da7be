// Consumer groups of the cluster: membership by the group protocol, commits where every Kafka client finds them.
// Records are not read here: a member only says which partitions are its own.

import {
  Consumer,
  type Admin,
  type ConsumerOptions,
  type GroupPartitionsAssigner,
} from "@platformatic/kafka";
import {
  assignPartitions,
  nextOf,
  type CommittedOffset,
  type GroupDescription,
  type Groups,
  type JoinOptions,
  type Member,
  type TopicPartition,
} from "../log/index.ts";
import { clientOptions, type KafkaConnection } from "./client-options.ts";
import { errorNames, messageOf, unavailable } from "./errors.ts";

/** Brokers accept no other (group.min and group.max.session.timeout.ms). */
const sessionTimeoutBounds = { min: 6_000, max: 1_800_000 } as const;
/** Also how soon a member learns that the group forms anew. */
const heartbeatMs = 1_000;
const rejoinMs = 500;
/** A group whose coordinator is being found, or handed over, cannot be joined for a moment; that is not worth a word. */
const quietMs = 5_000;
/** How often a member looks for topics that came or grew. */
const watchMs = 3_000;
/** Another process has joined under the same instance name. */
const takenOver = "FENCED_INSTANCE_ID";

/** States of a group without members. */
const isVacant = /^(empty|dead)$/i;

export interface KafkaGroupsOptions {
  readonly connection: KafkaConnection;
  readonly admin: Pick<
    Admin,
    "listGroups" | "describeGroups" | "listConsumerGroupOffsets" | "removeMembersFromConsumerGroup"
  >;
  /** Partitions of a topic, as fresh as `watchMs` asks for; 0 when there is none. */
  readonly countPartitions: (topic: string) => Promise<number>;
  readonly onError: (message: string) => void;
}

export function createKafkaGroups(groupsOptions: KafkaGroupsOptions): Groups {
  const { admin } = groupsOptions;
  const members = new Set<Member>();

  async function describe(): Promise<GroupDescription[]> {
    const listed = await admin.listGroups({ types: ["classic", "consumer"] });
    const names = [...listed.keys()].filter((name) => listed.get(name)?.protocolType === "consumer");
    if (names.length === 0) return [];
    const groups = await admin.describeGroups({ groups: names });
    return Array.from(groups.values(), ({ id, members: ofGroup }) => ({
      name: id,
      instances: Array.from(ofGroup.values(), (member) => ({
        name: member.groupInstanceId ?? member.id,
        topics: Array.from(member.assignments?.values() ?? [], ({ topic, partitions }) => ({
          topic,
          partitions,
        })),
      })),
    })).filter(({ instances }) => instances.length > 0);
  }

  async function memberCount(group: string): Promise<number> {
    try {
      const described = (await admin.describeGroups({ groups: [group] })).get(group);
      if (described !== undefined && described.state !== "DEAD" && described.state !== "Dead") {
        return described.members.size;
      }
    } catch (cause) {
      if (!errorNames(cause).includes("GROUP_ID_NOT_FOUND")) throw cause;
    }
    // One of the newer protocol (KIP-848) is not described here, as if there were none; in the list it has its state.
    const listed = (await admin.listGroups({ types: ["consumer"] })).get(group);
    return listed === undefined || isVacant.test(listed.state) ? 0 : 1;
  }

  return {
    async join(options) {
      const member = await joinGroup(groupsOptions, options, () => members.delete(member));
      members.add(member);
      return member;
    },

    async committed(group, partitions) {
      const topics = Array.from(
        Map.groupBy(partitions, ({ topic }) => topic),
        ([name, ofTopic]) => ({ name, partitionIndexes: ofTopic.map(({ partition }) => partition) }),
      );
      try {
        const [answer] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] });
        const offsets = new Map<string, number>();
        for (const { name, partitions: ofTopic } of answer?.topics ?? []) {
          for (const { partitionIndex, committedOffset } of ofTopic)
            offsets.set(`${name}/${partitionIndex}`, Number(committedOffset));
        }
        return partitions.map(({ topic, partition }) => ({
          topic,
          partition,
          offset: offsets.get(`${topic}/${partition}`) ?? -1,
        }));
      } catch (cause) {
        throw unavailable(cause);
      }
    },

    async memberCount(group) {
      try {
        return await memberCount(group);
      } catch (cause) {
        throw unavailable(cause);
      }
    },

    async describe() {
      try {
        return await describe();
      } catch (cause) {
        throw unavailable(cause);
      }
    },

    async remove(group, instance) {
      try {
        const groups = await admin.describeGroups({ groups: [group] });
        const found = [...(groups.get(group)?.members.values() ?? [])].find(
          ({ groupInstanceId }) => groupInstanceId === instance,
        );
        if (found === undefined) return false;
        await admin.removeMembersFromConsumerGroup({ groupId: group, members: [{ memberId: found.id }] });
        return true;
      } catch (cause) {
        if (errorNames(cause).some((name) => name === "GROUP_ID_NOT_FOUND" || name === "UNKNOWN_MEMBER_ID"))
          return false;
        throw unavailable(cause);
      }
    },

    async close() {
      await Promise.allSettled(Array.from(members, (member) => member.leave()));
    },
  };
}

/** Joins in the background, again and again until it succeeds or is left. */
async function joinGroup(
  { connection, countPartitions, onError }: KafkaGroupsOptions,
  { group, instance, topics, sessionTimeoutMs, uncommitted }: JoinOptions,
  onLeft: () => void,
): Promise<Member> {
  const { min, max } = sessionTimeoutBounds;
  const timeoutMs = Math.min(max, Math.max(min, sessionTimeoutMs));
  const consumer = new Consumer({
    ...clientOptions(connection, "group"),
    groupId: group,
    groupInstanceId: instance,
    sessionTimeout: timeoutMs,
    rebalanceTimeout: timeoutMs,
    heartbeatInterval: heartbeatMs,
    partitionAssigner: assignByInstance,
    // A group that forms may keep its members waiting as long as that.
    requestTimeout: timeoutMs + 15_000,
  } satisfies ConsumerOptions<Buffer, Buffer, Buffer, Buffer>);
  consumer.topics.trackAll(...topics);
  let partitions: readonly TopicPartition[] = [];
  let state: "in" | "lost" | "left" = "in";
  let assignment = 0;
  const changes = new Set<() => void>();
  let retry: NodeJS.Timeout | undefined;
  let watching: NodeJS.Timeout | undefined;

  function assign(assigned: readonly TopicPartition[]): void {
    partitions = assigned;
    assignment++;
    for (const end of changes) end();
  }

  function lose(cause: unknown): boolean {
    if (!errorNames(cause).includes(takenOver)) return false;
    if (state === "in") state = "lost";
    assign([]);
    return true;
  }

  async function commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const own = offsets.filter(({ topic, partition }) =>
      partitions.some((each) => each.topic === topic && each.partition === partition),
    );
    if (own.length === 0) return;
    try {
      await consumer.commit({
        offsets: own.map(({ topic, partition, offset }) => ({
          topic,
          partition,
          offset: BigInt(offset),
          leaderEpoch: -1,
        })),
      });
    } catch (cause) {
      lose(cause);
      throw unavailable(cause);
    }
  }

  let failingSince: number | undefined;

  function join(): void {
    consumer.joinGroup({}).then(
      () => {
        failingSince = undefined;
      },
      (cause: unknown) => {
        if (state !== "in" || lose(cause)) return;
        failingSince ??= Date.now();
        if (Date.now() - failingSince >= quietMs) {
          onError(`group ${group} cannot be joined: ${messageOf(cause)}`);
        }
        retry = setTimeout(join, rejoinMs);
      },
    );
  }

  /** Brokers tell no member that a topic has come or grown: each looks, and asks for a new assignment then. */
  async function watch(known: readonly number[] | undefined): Promise<void> {
    const counts = await Promise.all(topics.map(countPartitions)).catch(() => known);
    if (state !== "in") return;
    if (known !== undefined && counts?.some((count, index) => count !== known[index]) === true) {
      // Whoever leads the group shares out what its own client knows.
      await consumer.metadata({ topics: [...topics], forceUpdate: true }).catch(() => undefined);
      join();
    }
    watching = setTimeout(() => void watch(counts), watchMs);
    watching.unref();
  }

  consumer.on("consumer:group:join", ({ assignments }) => {
    assign(
      (assignments ?? []).flatMap(({ topic, partitions: numbers }) =>
        numbers.map((partition) => ({ topic, partition })),
      ),
    );
  });
  consumer.on("consumer:group:rebalance", () => {
    // The old share may still be committed until all have joined again; after that it is somebody else's.
    const offsets = uncommitted?.() ?? [];
    if (offsets.length > 0) commit(offsets).catch(() => undefined);
    assign([]);
  });
  consumer.on("consumer:heartbeat:error", ({ error }) => void lose(error));
  consumer.on("error", (cause: unknown) => {
    if (state !== "in" || lose(cause)) return;
    clearTimeout(retry);
    retry = setTimeout(join, rejoinMs);
  });
  join();
  void watch(undefined);

  return {
    get partitions() {
      return partitions;
    },
    get assignment() {
      return assignment;
    },
    get isLost() {
      return state === "lost";
    },

    nextAssignment: (signal) => nextOf(changes, signal),

    commit,

    async leave() {
      if (state === "left") return;
      state = "left";
      clearTimeout(retry);
      clearTimeout(watching);
      onLeft();
      // Leaves the group too. Where the cluster is out of reach, the session timeout ends the membership.
      await consumer.close(true).catch(() => undefined);
    },
  };
}

/** A static member's ID is its instance name, a dash and a UUID: in their order, an instance that comes back gets what it had. */
const assignByInstance: GroupPartitionsAssigner = (_self, members, _topics, metadata) => {
  const subscribers = Array.from(members, ([memberId, { topics = [] }]) => ({ instance: memberId, topics }));
  const shares = assignPartitions(subscribers, (topic) => metadata.topics.get(topic)?.partitionsCount ?? 0);
  return Array.from(shares, ([memberId, partitions]) => ({
    memberId,
    assignments: new Map(
      Array.from(
        Map.groupBy(partitions, ({ topic }) => topic),
        ([topic, ofTopic]) => [topic, { topic, partitions: ofTopic.map(({ partition }) => partition) }],
      ),
    ),
  }));
};
