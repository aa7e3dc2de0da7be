// Which reply partitions a drain reads and until when it must stay awake: pure rules. The gateway says
// both with each nudge, so that several gateways with different configs can share one drain.

export interface TopicAssignment {
  readonly topic: string;
  readonly partitions: number;
}

/** Subrequests one invocation may make; Workers Free and Workers Paid differ. */
export interface SubrequestLimits {
  readonly external: number;
  readonly internal: number;
}

/** What a deployment wants drained. */
export interface DrainAssignment {
  readonly topics: readonly TopicAssignment[];
  /** Longest timeout of any service, in ms: how far back a reply may still be waited for. */
  readonly longestTimeoutMs: number;
  readonly subrequests: SubrequestLimits;
}

/** What of a gateway's config concerns its drain. */
export interface DrainConfig {
  readonly services: readonly {
    readonly replyTopic: string;
    readonly replyPartitions: number;
    readonly timeoutMs: number;
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
    topics: [...partitions].map(([topic, count]) => ({ topic, partitions: count })),
    longestTimeoutMs: Math.max(...services.map(({ timeoutMs }) => timeoutMs)),
    subrequests: subrequestLimits[workersPlan],
  };
}

/** What the drain remembers of all it was told. `neededUntil` and `awakeUntil` are epoch ms. */
export interface Duties {
  readonly topics: Readonly<Record<string, { readonly partitions: number; readonly neededUntil: number }>>;
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

/** Duties after a nudge; the same object when the nudge asks for nothing new. */
export function accept(duties: Duties, assignment: DrainAssignment, deadlineAt: number): Duties {
  const known = assignment.topics.every(({ topic, partitions }) => {
    const duty = duties.topics[topic];
    return duty !== undefined && duty.partitions >= partitions && duty.neededUntil >= deadlineAt;
  });
  if (known && duties.awakeUntil >= deadlineAt && duties.longestTimeoutMs >= assignment.longestTimeoutMs) {
    return duties;
  }
  const awakeUntil = Math.max(duties.awakeUntil, deadlineAt + awakeSlackMs);
  return merge({ ...duties, awakeUntil }, assignment, awakeUntil);
}

/** Up to when a gateway with this assignment need not nudge again: its topics may be owed less than another's. */
export function promisedUntil(duties: Duties, { topics }: DrainAssignment): number {
  return Math.min(duties.awakeUntil, ...topics.map(({ topic }) => duties.topics[topic]?.neededUntil ?? 0));
}

/**
 * Duties after a look at the config and at the topics as they are: partitions = the larger of both. A topic
 * that left the config stays until its last deadline.
 */
export function refresh(
  duties: Duties,
  assignment: DrainAssignment,
  partitionCounts: ReadonlyMap<string, number>,
  now: number,
): Duties {
  const configured = new Set(assignment.topics.map(({ topic }) => topic));
  const kept = Object.entries(duties.topics).filter(
    ([topic, duty]) => configured.has(topic) || duty.neededUntil > now,
  );
  const merged = merge({ ...duties, topics: Object.fromEntries(kept) }, assignment, 0);
  const topics = Object.entries(merged.topics).map(([topic, duty]) => [
    topic,
    { ...duty, partitions: Math.max(duty.partitions, partitionCounts.get(topic) ?? 0) },
  ]);
  return { ...merged, topics: Object.fromEntries(topics) as Duties["topics"] };
}

function merge(duties: Duties, assignment: DrainAssignment, neededUntil: number): Duties {
  const topics = { ...duties.topics };
  for (const { topic, partitions } of assignment.topics) {
    const before = topics[topic];
    topics[topic] = {
      partitions: Math.max(before?.partitions ?? 0, partitions),
      neededUntil: Math.max(before?.neededUntil ?? 0, neededUntil),
    };
  }
  return {
    ...duties,
    topics,
    longestTimeoutMs: Math.max(duties.longestTimeoutMs, assignment.longestTimeoutMs),
    subrequests: assignment.subrequests,
  };
}
