// Where one consumer instance reads on, per partition, and what of it is not committed yet. Decisions only:
// reading, committing and who is assigned what happen elsewhere.

import type { KafkaRecord } from "../../protocol/index.ts";
import type { CommittedOffset } from "./groups.ts";
import { partitionName, type LogOffset, type LogPosition, type TopicPartition } from "./log.ts";

export interface ConsumerPositions {
  /** Of these partitions, in order, as far as they are known. */
  of(partitions: readonly TopicPartition[]): readonly LogPosition[];
  set(position: LogPosition): void;
  /** Forgets all partitions but these: somebody else may read on there. */
  keepOnly(partitions: readonly TopicPartition[]): void;
  /** Goes behind these records and returns them; those before a position, or without one, are left out. */
  advance(records: readonly KafkaRecord[]): readonly KafkaRecord[];
  /** Positions behind what was handed out, committed or not. */
  handedOut(): readonly CommittedOffset[];
  /** Positions behind what was handed out and not committed since. */
  uncommitted(): readonly CommittedOffset[];
  /** These were committed; what was handed out meanwhile stays uncommitted. */
  markCommitted(offsets: readonly CommittedOffset[]): void;
}

interface Place extends TopicPartition {
  offset: number;
  /** Undefined as long as nothing of the partition was handed out. */
  handedOut?: number;
  committed?: number;
}

export function createConsumerPositions(): ConsumerPositions {
  const places = new Map<string, Place>();

  function behind(isWanted: (place: Place) => boolean): readonly CommittedOffset[] {
    return [...places.values()].flatMap((place) => {
      const { topic, partition, handedOut } = place;
      return handedOut !== undefined && isWanted(place) ? [{ topic, partition, offset: handedOut }] : [];
    });
  }

  return {
    of: (partitions) =>
      partitions.flatMap((each) => {
        const place = places.get(partitionName(each));
        if (place === undefined) return [];
        const { topic, partition, offset } = place;
        return [{ topic, partition, offset }];
      }),

    set({ topic, partition, offset }) {
      places.set(partitionName({ topic, partition }), { topic, partition, offset });
    },

    keepOnly(partitions) {
      const kept = new Set(partitions.map(partitionName));
      for (const name of places.keys()) if (!kept.has(name)) places.delete(name);
    },

    advance: (records) =>
      records.filter((record) => {
        const place = places.get(partitionName(record));
        if (place === undefined || record.offset < place.offset) return false;
        place.offset = record.offset + 1;
        place.handedOut = place.offset;
        return true;
      }),

    handedOut: () => behind(() => true),
    uncommitted: () => behind(({ handedOut, committed }) => handedOut !== committed),

    markCommitted(offsets) {
      for (const each of offsets) {
        const place = places.get(partitionName(each));
        if (place !== undefined) place.committed = each.offset;
      }
    },
  };
}

/** False for a position in [earliest, latest], where reading can go on. */
export function isOutside(
  { offset }: LogPosition,
  earliest: LogOffset | undefined,
  latest: LogOffset | undefined,
): boolean {
  return offset < (earliest?.offset ?? 0) || offset > (latest?.offset ?? 0);
}
