// Which reply partitions a drain reads and until when it must stay awake: pure rules. The gateway says
// both with each nudge, so that several gateways with different configs can share one drain.

import type { TopicPartition } from "../kafka/index.ts";
import type { OwnedPartitions } from "../protocol/index.ts";

export interface TopicAssignment {
  readonly topic: string;
  /** Without `own` all of these are read, counted from 0, and more when the topic has more. */
  readonly partitions: number;
  /** Only these are read, however many the topic has. */
  readonly own?: readonly number[];
}

/** Subrequests one invocation may make; Workers Free and Workers Paid differ. */
export interface SubrequestLimits {
  readonly external: number;
  readonly internal: number;
}

/** What a deployment wants drained. */
export interface DrainAssignment {
  readonly topics: readonly TopicAssignment[];
  /** Longest timeout of any service, also of asynchronous exchanges, in ms: how far back a reply may be waited for. */
  readonly longestTimeoutMs: number;
  readonly subrequests: SubrequestLimits;
}

/** What of a gateway's config concerns its drain. */
export interface DrainConfig {
  readonly services: readonly {
    readonly replyTopic: string;
    readonly replyPartitions: number | OwnedPartitions;
    readonly timeoutMs: number;
    /** Of exchanges whose client does not wait on the line; absent where a service has none. */
    readonly asyncTimeoutMs?: number | undefined;
  }[];
  readonly workersPlan: "free" | "paid";
}

/** Subrequests per invocation (Cloudflare's Workers limits; Paid counts both kinds together). */
const subrequestLimits: Readonly<Record<DrainConfig["workersPlan"], SubrequestLimits>> = {
  free: { external: 50, internal: 1_000 },
  paid: { external: 4_000, internal: 6_000 },
};

export function assignmentOf({ services, workersPlan }: DrainConfig): DrainAssignment {
  // Services that share a reply topic agree on its partitions; the config check sees to that.
  const partitions = new Map(
    services.map(({ replyTopic, replyPartitions }) => [replyTopic, replyPartitions]),
  );
  return {
    topics: [...partitions].map(([topic, owned]) =>
      typeof owned === "number"
        ? { topic, partitions: owned }
        : { topic, partitions: owned.of, own: owned.own },
    ),
    longestTimeoutMs: Math.max(
      ...services.map(({ timeoutMs, asyncTimeoutMs = 0 }) => Math.max(timeoutMs, asyncTimeoutMs)),
    ),
    subrequests: subrequestLimits[workersPlan],
  };
}

/** What is owed on one topic. Partitions that leave the config stay until somebody may no longer wait there. */
export interface TopicDuty {
  /** How many are read, counted from 0; 0 where only owned ones are. */
  readonly partitions: number;
  /** Until when somebody may wait on one of those, in epoch ms. */
  readonly neededUntil: number;
  /** Owned partitions, each with the same instant for itself. Absent where nothing but a count was ever said. */
  readonly owned?: Readonly<Record<string, number>>;
}

/** What the drain remembers of all it was told. `awakeUntil` is in epoch ms. */
export interface Duties {
  readonly topics: Readonly<Record<string, TopicDuty>>;
  readonly longestTimeoutMs: number;
  readonly subrequests: SubrequestLimits;
  readonly awakeUntil: number;
}

export const noDuties: Duties = {
  topics: {},
  longestTimeoutMs: 0,
  subrequests: subrequestLimits.free,
  awakeUntil: 0,
};

/**
 * How much longer than asked a nudge keeps the drain awake. Each extension is a stored row and each nudge a
 * billed call; this spares them for the requests of the next half minute.
 */
export const awakeSlackMs = 30_000;

/**
 * Duties after a nudge; the same object when the nudge asks for nothing new. Somebody waits on the line until
 * `awakeUntil`, and a reply is of use until `neededUntil`: what is due hours from now must not keep the drain awake
 * for hours, since each tick polls, but until then its partitions are owed whatever the config says.
 */
export function accept(
  duties: Duties,
  assignment: DrainAssignment,
  awakeUntil: number,
  neededUntil = awakeUntil,
): Duties {
  const needed = Math.max(awakeUntil, neededUntil);
  const known = assignment.topics.every((assigned) => coveredUntil(duties, assigned) >= needed);
  if (known && duties.awakeUntil >= awakeUntil && duties.longestTimeoutMs >= assignment.longestTimeoutMs) {
    return duties;
  }
  const extended = Math.max(duties.awakeUntil, awakeUntil + awakeSlackMs);
  // What it is awake for it also reads, or gateways would be promised less than is stored.
  return merge({ ...duties, awakeUntil: extended }, assignment, Math.max(extended, needed));
}

/** Up to when a gateway with this assignment need not nudge again: its topics may be owed less than another's. */
export function promisedUntil(duties: Duties, { topics }: DrainAssignment): number {
  return Math.min(duties.awakeUntil, ...topics.map((assigned) => coveredUntil(duties, assigned)));
}

/** Every partition that is to be read now, each once. */
export function partitionsToRead(duties: Duties): TopicPartition[] {
  return Object.entries(duties.topics).flatMap(([topic, { partitions, owned = {} }]) => {
    const counted = Array.from({ length: partitions }, (_, partition) => partition);
    const others = Object.keys(owned).map(Number);
    return [...new Set([...counted, ...others])].map((partition) => ({ topic, partition }));
  });
}

/**
 * Duties after a look at the config and at the topics as they are: partitions = the larger of both, unless a set
 * is owned. A topic or a partition that left the config stays until its last deadline.
 */
export function refresh(
  duties: Duties,
  assignment: DrainAssignment,
  partitionCounts: ReadonlyMap<string, number>,
  now: number,
): Duties {
  const configured = new Map(assignment.topics.map((assigned) => [assigned.topic, assigned]));
  const kept: Record<string, TopicDuty> = {};
  for (const [topic, duty] of Object.entries(duties.topics)) {
    const still = stillOwed(duty, configured.get(topic), now);
    if (still !== undefined) kept[topic] = still;
  }
  const merged = merge({ ...duties, topics: kept }, assignment, 0);
  const topics: Record<string, TopicDuty> = {};
  for (const [topic, duty] of Object.entries(merged.topics)) {
    const grows = duty.partitions > 0 && configured.get(topic)?.own === undefined;
    const there = grows ? (partitionCounts.get(topic) ?? 0) : 0;
    topics[topic] = { ...duty, partitions: Math.max(duty.partitions, there) };
  }
  return { ...merged, topics };
}

/** What is left of a duty: what the config says, and what somebody may still wait on. */
function stillOwed(
  duty: TopicDuty,
  assigned: TopicAssignment | undefined,
  now: number,
): TopicDuty | undefined {
  const isCounted = assigned !== undefined && assigned.own === undefined;
  const partitions = isCounted || duty.neededUntil > now ? duty.partitions : 0;
  const owned = Object.entries(duty.owned ?? {}).filter(
    ([partition, neededUntil]) => neededUntil > now || assigned?.own?.includes(Number(partition)) === true,
  );
  if (owned.length > 0) return { ...duty, partitions, owned: Object.fromEntries(owned) };
  return partitions > 0 ? { partitions, neededUntil: duty.neededUntil } : undefined;
}

/** Up to when all that is assigned of a topic is read; 0 while a part of it is not. */
function coveredUntil(duties: Duties, { topic, partitions, own }: TopicAssignment): number {
  const duty = duties.topics[topic];
  if (duty === undefined) return 0;
  if (own === undefined) return duty.partitions >= partitions ? duty.neededUntil : 0;
  return Math.min(...own.map((partition) => duty.owned?.[partition] ?? 0));
}

function merge(duties: Duties, assignment: DrainAssignment, neededUntil: number): Duties {
  const topics = { ...duties.topics };
  for (const { topic, partitions, own } of assignment.topics) {
    const before = topics[topic] ?? { partitions: 0, neededUntil: 0 };
    const later = (other = 0): number => Math.max(other, neededUntil);
    topics[topic] =
      own === undefined
        ? {
            ...before,
            partitions: Math.max(before.partitions, partitions),
            neededUntil: later(before.neededUntil),
          }
        : {
            ...before,
            owned: {
              ...before.owned,
              ...Object.fromEntries(own.map((partition) => [partition, later(before.owned?.[partition])])),
            },
          };
  }
  return {
    ...duties,
    topics,
    longestTimeoutMs: Math.max(duties.longestTimeoutMs, assignment.longestTimeoutMs),
    subrequests: assignment.subrequests,
  };
}
