// Consumer groups over the embedded log: who is a member and reads what, in this process. Offsets are kept in
// committed-offsets.ts, the shares are worked out in assign-partitions.ts, silence is noticed in consumers.ts.

import {
  type CommittedOffset,
  type Groups,
  type JoinOptions,
  type Member,
  type TopicPartition,
  assignPartitions,
  nextOf,
} from "../../kafka/log/index.ts";
import { openCommittedOffsets } from "./committed-offsets.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import type { OffsetsStore } from "./offsets-file.ts";

export interface EmbeddedGroupsOptions {
  /** Whose topics are shared out. */
  readonly log: Pick<EmbeddedLog, "countPartitions" | "onTopicCreated">;
  readonly store?: OffsetsStore;
  /** Groups whose offsets are kept; the one that committed longest ago is forgotten first. Default 10,000. */
  readonly maxGroups?: number;
}

interface Seat {
  readonly options: JoinOptions;
  partitions: readonly TopicPartition[];
  assignment: number;
  isLost: boolean;
  readonly waiting: Set<() => void>;
}

/**
 * A member lives in this process, so it falls silent only with it: session timeouts are not looked at. Throws
 * when the store cannot be read.
 */
export function openEmbeddedGroups({ log, store, maxGroups = 10_000 }: EmbeddedGroupsOptions): Groups {
  const committed = openCommittedOffsets({ maxGroups, ...(store === undefined ? {} : { store }) });
  const groups = new Map<string, Map<string, Seat>>();
  let closed = false;

  log.onTopicCreated((topic) => {
    for (const [group, seats] of groups) {
      if ([...seats.values()].some(({ options }) => options.topics.includes(topic))) share(group);
    }
  });

  /** Gives every seat of the group its partitions, after what the losing ones were about to commit. */
  function share(group: string): void {
    const seats = groups.get(group) ?? new Map<string, Seat>();
    const shares = assignPartitions(
      Array.from(seats.values(), ({ options }) => options),
      log.countPartitions,
    );
    for (const [instance, seat] of seats) {
      const partitions = shares.get(instance) ?? [];
      if (!isSame(seat.partitions, partitions)) give(seat, partitions);
    }
  }

  function give(seat: Seat, partitions: readonly TopicPartition[]): void {
    const { group, uncommitted } = seat.options;
    if (seat.partitions.length > 0) {
      // What cannot be stored now is stored with the next commit of any group; nobody waits for it here.
      committed.commit(group, ownOf(seat, uncommitted?.() ?? [])).catch(() => {});
    }
    seat.partitions = partitions;
    seat.assignment++;
    for (const end of seat.waiting) end();
  }

  /** False when the seat is not taken by this one any more. */
  function vacate(seat: Seat): boolean {
    if (seat.isLost) return false;
    const { group, instance } = seat.options;
    give(seat, []);
    seat.isLost = true;
    const seats = groups.get(group);
    seats?.delete(instance);
    if (seats?.size === 0) groups.delete(group);
    return true;
  }

  function memberOf(seat: Seat): Member {
    return {
      get partitions() {
        return seat.partitions;
      },
      get assignment() {
        return seat.assignment;
      },
      get isLost() {
        return seat.isLost;
      },

      nextAssignment: (signal) => nextOf(seat.waiting, signal),

      commit: (offsets) => committed.commit(seat.options.group, ownOf(seat, offsets)),

      async leave() {
        if (vacate(seat)) share(seat.options.group);
      },
    };
  }

  return {
    async join(options) {
      if (closed) throw new Error("a member joins groups that are closed");
      const { group, instance } = options;
      const before = groups.get(group)?.get(instance);
      if (before !== undefined) vacate(before);
      const seat: Seat = { options, partitions: [], assignment: 0, isLost: false, waiting: new Set() };
      const seats = groups.get(group) ?? new Map<string, Seat>();
      seats.set(instance, seat);
      groups.set(group, seats);
      share(group);
      return memberOf(seat);
    },

    async committed(group, partitions) {
      return partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        offset: committed.of(group, { topic, partition }),
      }));
    },

    async memberCount(group) {
      return groups.get(group)?.size ?? 0;
    },

    async describe() {
      const byName = [...groups].toSorted(([one], [other]) => (one < other ? -1 : 1));
      return byName.map(([name, seats]) => ({
        name,
        instances: Array.from(seats, ([instance, seat]) => ({
          name: instance,
          topics: seat.options.topics.map((topic) => ({
            topic,
            partitions: seat.partitions.filter((each) => each.topic === topic).map((each) => each.partition),
          })),
        })),
      }));
    },

    async remove(group, instance) {
      const seat = groups.get(group)?.get(instance);
      if (seat === undefined) return false;
      vacate(seat);
      share(group);
      return true;
    },

    async close() {
      closed = true;
      for (const seats of groups.values()) for (const seat of seats.values()) vacate(seat);
      await committed.flush();
    },
  };
}

function ownOf(seat: Seat, offsets: readonly CommittedOffset[]): readonly CommittedOffset[] {
  return offsets.filter(({ topic, partition }) =>
    seat.partitions.some((own) => own.topic === topic && own.partition === partition),
  );
}

function isSame(ones: readonly TopicPartition[], others: readonly TopicPartition[]): boolean {
  return (
    ones.length === others.length &&
    ones.every(
      ({ topic, partition }, index) =>
        others[index]?.topic === topic && others[index].partition === partition,
    )
  );
}
