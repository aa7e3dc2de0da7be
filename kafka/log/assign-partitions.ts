// Who of a group reads which partition: a pure decision, the same for the same members and topics.

import type { TopicPartition } from "./log.ts";

export interface Subscriber {
  readonly instance: string;
  readonly topics: readonly string[];
}

/**
 * Partitions by instance name. All partitions of all topics, in order, go round the instances in the order of
 * their names, past those that do not subscribe: even, and an instance that comes back gets what it had.
 */
export function assignPartitions(
  subscribers: readonly Subscriber[],
  partitionCount: (topic: string) => number,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const ordered = subscribers.toSorted((one, other) => (one.instance < other.instance ? -1 : 1));
  const assigned = new Map(ordered.map(({ instance }) => [instance, [] as TopicPartition[]]));
  const topics = [...new Set(ordered.flatMap((subscriber) => subscriber.topics))].toSorted((one, other) =>
    one < other ? -1 : 1,
  );
  let turn = 0;
  for (const topic of topics) {
    for (let partition = 0; partition < partitionCount(topic); partition++) {
      // Ends within one round: somebody subscribes to each of these topics.
      while (ordered[turn % ordered.length]?.topics.includes(topic) === false) turn++;
      const taker = ordered[turn++ % ordered.length];
      if (taker !== undefined) assigned.get(taker.instance)?.push({ topic, partition });
    }
  }
  return assigned;
}
