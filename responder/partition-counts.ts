// How many partitions topics have, asked for as seldom as the answers allow: requests with a bad address come in any
// number, and each wants to know for sure.

/** How old a known count may be. */
const ageMs = 30_000;

export interface PartitionCounts {
  /** At most 30 s old; 0 for a topic that does not exist, undefined while nobody can say. */
  known(topic: string): Promise<number | undefined>;
  /** As it is now: asked after this call, together with all who ask in the same moment. */
  fresh(topic: string): Promise<number | undefined>;
}

/** `ask` as `partitionCount` of `ResponderKafka`. */
export function createPartitionCounts(
  ask: (topic: string, maxAgeMs: number) => Promise<number | undefined>,
): PartitionCounts {
  const asking = new Map<string, Promise<number | undefined>>();
  const next = new Map<string, Promise<number | undefined>>();

  function askNow(topic: string): Promise<number | undefined> {
    const answer = ask(topic, 0).finally(() => asking.delete(topic));
    asking.set(topic, answer);
    return answer;
  }

  return {
    known: (topic) => ask(topic, ageMs),

    fresh(topic) {
      const underWay = asking.get(topic);
      if (underWay === undefined) return askNow(topic);
      // What is under way may have been answered before the partition was there.
      const following =
        next.get(topic) ??
        underWay
          .catch(() => {})
          .then(() => {
            next.delete(topic);
            return askNow(topic);
          });
      next.set(topic, following);
      return following;
    },
  };
}
