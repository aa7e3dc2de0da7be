// The consumer instances of the Upstash API, over any Log and Groups: when one is made, joins, reads, commits and
// is closed. Who reads which partition is the groups' business; HTTP and JSON are elsewhere.

import { randomUUID } from "node:crypto";
import type { KafkaRecord } from "../../protocol/index.ts";
import { createConsumerPositions, isOutside, type ConsumerPositions } from "./consumer-positions.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import type { CommittedOffset, Groups, Member } from "./groups.ts";
import { LogUnavailable, partitionName, type Log, type TopicPartition } from "./log.ts";

/** Heeded by the consume that makes the instance, and by no later one. */
export interface InstanceOptions {
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  /** Where to begin when nothing is committed, or the position is outside the log. */
  readonly reset: "earliest" | "latest" | "none";
  readonly sessionTimeoutMs: number;
  /** Closed when it was not used for this long. Default: the session timeout. */
  readonly idleTimeoutMs?: number;
  /** Without auto-commit: what is to be committed before partitions go to another. */
  readonly uncommitted?: () => readonly CommittedOffset[];
}

export interface InstanceName {
  readonly group: string;
  readonly instance: string;
}

export interface ConsumeRequest extends InstanceName {
  readonly topics: readonly string[];
  readonly options: InstanceOptions;
  /** How long an empty answer may take. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the answer any more: then nothing counts as consumed. */
  readonly signal: AbortSignal;
}

export type ConsumeAnswer =
  /**
   * `assignment` names the dealing-out of partitions that the records belong to; absent before the first one. Without
   * auto-commit, reading begins at what is committed whenever it is another one.
   */
  | { readonly records: readonly KafkaRecord[]; readonly assignment?: string }
  /** There are as many instances as there may be. */
  | { readonly refused: "too-many" }
  /** Nothing says where to begin on this partition, and the instance resets to `none`. */
  | { readonly refused: "no-offset"; readonly partition: TopicPartition };

export interface Consumers {
  /**
   * The next records of the instance, which is made if there is none. Consumes of one instance are answered one
   * after another. While the log or the group is out of reach the answer is empty, after the timeout.
   */
  consume(request: ConsumeRequest): Promise<ConsumeAnswer>;
  /**
   * Stores offsets as given, or, without any, the positions behind all that the instance was handed since it got
   * its partitions. Offsets of partitions that it does not read are left out. `unknown`: there is no such instance
   * in this process, or another process took its place. `stale`: partitions were dealt out anew since `assignment`,
   * and nothing is stored. Throws `LogUnavailable`.
   */
  commit(
    name: InstanceName,
    offsets?: readonly CommittedOffset[],
    assignment?: string,
  ): Promise<"committed" | "unknown" | "stale">;
  /** What the instance subscribes to; undefined when it is not in this process. */
  topicsOf(name: InstanceName): readonly string[] | undefined;
  /**
   * Commits as an orderly close does, and ends the membership, whichever process holds it. False when there is
   * none. Throws `LogUnavailable`.
   */
  remove(name: InstanceName): Promise<boolean>;
  /** Closes what was not used for too long. Called every second; a test with a clock of its own may too. */
  closeIdle(): Promise<void>;
  /** Instances in this process. */
  readonly size: number;
  /** Ends waiting consumes with an empty answer, commits and leaves. A second call waits for the same end. */
  close(): Promise<void>;
}

export interface ConsumersOptions {
  readonly log: Log;
  readonly groups: Groups;
  /** Keys, values and headers in one answer; a single record may be larger. */
  readonly maxBytes: number;
  /** Default 1,000. */
  readonly maxInstances?: number;
  /** Epoch ms. */
  readonly now?: () => number;
  /** Told of what failed with nobody waiting for it; `LogUnavailable` is not told. */
  readonly onError: (cause: unknown) => void;
}

interface Instance {
  readonly name: InstanceName;
  readonly options: InstanceOptions;
  readonly positions: ConsumerPositions;
  topics: readonly string[];
  member?: Member;
  /** Tells this membership from every other, in any process. */
  tenure: string;
  /** The member's assignment that the positions belong to. */
  placed: number;
  /** Goes on when the consume that began it has ended; shared by the consumes that follow. */
  joining?: Promise<void>;
  /** Ends with the last consume in line. */
  line: Promise<unknown>;
  /** Cuts the fetch that is under way. */
  interrupt: () => void;
  /** Aborted when the instance is closed. */
  readonly closed: AbortController;
  committing?: Promise<void>;
  committedAt: number;
  rangeCheckedAt: number;
  usedAt: number;
  inHand: number;
}

const idleCheckMs = 1_000;
/** Retention may overtake one partition while others keep the answers coming. */
const rangeCheckMs = 10_000;
/** After a fetch that ended early for no reason that we know. */
const pauseMs = 100;

export function createConsumers(options: ConsumersOptions): Consumers {
  const { log, groups, maxBytes, onError } = options;
  const maxInstances = options.maxInstances ?? 1_000;
  const now = options.now ?? Date.now;
  const instances = new Map<string, Instance>();
  let closing: Promise<void> | undefined;

  const idleCheck = setInterval(() => void closeIdle().catch(onError), idleCheckMs);
  idleCheck.unref();

  function open({ group, instance, topics, options: own }: ConsumeRequest): Instance {
    const opened: Instance = {
      name: { group, instance },
      options: own,
      positions: createConsumerPositions(),
      topics,
      tenure: "",
      placed: 0,
      line: Promise.resolve(),
      interrupt: () => {},
      closed: new AbortController(),
      committedAt: now(),
      rangeCheckedAt: now(),
      usedAt: now(),
      inHand: 0,
    };
    instances.set(keyOf(opened.name), opened);
    return opened;
  }

  async function inTurn(
    instance: Instance,
    deadline: Deadline,
    signal: AbortSignal,
    consume: () => Promise<ConsumeAnswer>,
  ): Promise<ConsumeAnswer> {
    const before = instance.line;
    let leaveLine = (): void => {};
    const own = new Promise<void>((resolve) => (leaveLine = resolve));
    instance.line = before.then(() => own);
    instance.inHand++;
    try {
      if (!(await deadline.endsBefore(before, signal))) return { records: [] };
      const answer = await consume();
      return "records" in answer ? { ...answer, ...assignmentOf(instance) } : answer;
    } finally {
      leaveLine();
      instance.inHand--;
      instance.usedAt = now();
    }
  }

  async function consumeNext(
    instance: Instance,
    { topics, signal }: ConsumeRequest,
    deadline: Deadline,
  ): Promise<ConsumeAnswer> {
    const gone = new AbortController();
    const end = (): void => gone.abort();
    const ends = [signal, instance.closed.signal];
    for (const each of ends) each.addEventListener("abort", end);
    if (ends.some(({ aborted }) => aborted)) end();
    try {
      return await read(instance, topics, deadline, gone.signal);
    } catch (cause) {
      if (!(cause instanceof LogUnavailable)) throw cause;
      await deadline.passes(gone.signal);
      return { records: [] };
    } finally {
      for (const each of ends) each.removeEventListener("abort", end);
    }
  }

  async function read(
    instance: Instance,
    topics: readonly string[],
    deadline: Deadline,
    gone: AbortSignal,
  ): Promise<ConsumeAnswer> {
    const nothing = { records: [] };
    const isOther = !isSameSet(instance.topics, topics);
    instance.topics = topics;
    if (isOther) rejoin(instance);
    else if (instance.member === undefined || instance.member.isLost) {
      if (instance.joining === undefined) rejoin(instance);
    }
    if (instance.joining !== undefined && !(await deadline.endsBefore(instance.joining, gone)))
      return nothing;
    const { member, positions } = instance;
    if (member === undefined) return nothing;
    autoCommit(instance, member);
    while (!gone.aborted) {
      // Not joined again at once: two processes that want the same name would take it from each other without end.
      if (member.isLost) {
        await deadline.passes(gone);
        return nothing;
      }
      place(instance, member);
      const { partitions, assignment } = member;
      if (partitions.length === 0) {
        const formed = new AbortController();
        const inTime = await deadline.endsBefore(member.nextAssignment(formed.signal), gone);
        formed.abort();
        if (!inTime) return nothing;
        continue;
      }
      const isCheckDue = now() - instance.rangeCheckedAt >= rangeCheckMs;
      const missing = await findPlaces(instance, partitions, isCheckDue);
      if (missing !== undefined) return { refused: "no-offset", partition: missing };
      if (member.assignment !== assignment) continue;
      const records = await fetchOnce(instance, partitions, deadline, gone);
      if (gone.aborted) return nothing;
      if (!instance.options.autoCommit && member.assignment !== assignment) continue;
      const own = new Set(member.isLost ? [] : member.partitions.map(partitionName));
      const consumed = positions.advance(records.filter((record) => own.has(partitionName(record))));
      if (consumed.length > 0) return { records: consumed };
      if (deadline.remainingMs() <= 0) return nothing;
      if (!isSame(member.partitions, partitions)) continue;
      const astray = await findPlaces(instance, partitions, true);
      if (astray !== undefined) return { refused: "no-offset", partition: astray };
      await createDeadline(Math.min(pauseMs, deadline.remainingMs())).passes(gone);
    }
    return nothing;
  }

  /**
   * Forgets the positions that another assignment has made worthless. Without auto-commit those are all: only who
   * consumes knows what of them is done, and starts over.
   */
  function place(instance: Instance, member: Member): void {
    if (instance.placed === member.assignment) return;
    instance.placed = member.assignment;
    instance.positions.keepOnly(instance.options.autoCommit ? member.partitions : []);
  }

  /** Ends early when the assignment changes. */
  async function fetchOnce(
    instance: Instance,
    partitions: readonly TopicPartition[],
    deadline: Deadline,
    gone: AbortSignal,
  ): Promise<readonly KafkaRecord[]> {
    const ending = new AbortController();
    const end = (): void => ending.abort();
    gone.addEventListener("abort", end);
    instance.interrupt = end;
    try {
      const timeoutMs = deadline.remainingMs();
      return await log.fetch(instance.positions.of(partitions), {
        timeoutMs,
        maxBytes,
        signal: ending.signal,
      });
    } finally {
      gone.removeEventListener("abort", end);
      instance.interrupt = () => {};
    }
  }

  /**
   * Gives every partition a position inside its log: where it is, else what is committed, else by the reset
   * policy. Those that have one are looked at only on `checkAll`. Answers with a partition that has none.
   */
  async function findPlaces(
    instance: Instance,
    partitions: readonly TopicPartition[],
    checkAll: boolean,
  ): Promise<TopicPartition | undefined> {
    const { positions, options: own, member, name } = instance;
    const assignment = member?.assignment;
    const known = new Map(
      positions.of(partitions).map((position) => [partitionName(position), position.offset]),
    );
    const unknown = partitions.filter((each) => !known.has(partitionName(each)));
    if (unknown.length === 0 && !checkAll) return undefined;
    const found = unknown.length === 0 ? [] : await groups.committed(name.group, unknown);
    for (const each of found) known.set(partitionName(each), each.offset);
    const looked = checkAll ? partitions : unknown;
    const [earliest, latest] = await Promise.all([
      log.offsets("earliest", looked),
      log.offsets("latest", looked),
    ]);
    if (checkAll) instance.rangeCheckedAt = now();
    // What was found belongs to an assignment that may have ended meanwhile.
    if (member === undefined || instance.member !== member) return undefined;
    if (member.assignment !== assignment) return undefined;
    for (const [index, { topic, partition }] of looked.entries()) {
      const offset = known.get(partitionName({ topic, partition })) ?? -1;
      const position = { topic, partition, offset };
      if (isOutside(position, earliest[index], latest[index])) {
        if (own.reset === "none") return { topic, partition };
        const there = (own.reset === "earliest" ? earliest : latest)[index];
        positions.set({ ...position, offset: there?.offset ?? 0 });
      } else if (positions.of([position]).length === 0) {
        positions.set(position);
      }
    }
    return undefined;
  }

  /** Gives up the membership, if there is one, and takes a new one. What fails is told to who waits for it. */
  function rejoin(instance: Instance): void {
    const before = instance.joining;
    const joining = (async () => {
      await before?.catch(() => {});
      await giveUpMembership(instance);
      if (!instance.closed.signal.aborted) await join(instance);
    })().finally(() => {
      if (instance.joining === joining) delete instance.joining;
    });
    instance.joining = joining;
  }

  async function join(instance: Instance): Promise<void> {
    const { name, options: own, topics, positions, closed } = instance;
    let joined: Member | undefined;
    joined = await groups.join({
      ...name,
      topics,
      sessionTimeoutMs: own.sessionTimeoutMs,
      uncommitted: () => {
        if (joined === undefined || instance.member !== joined) return [];
        return own.autoCommit ? positions.uncommitted() : (own.uncommitted?.() ?? []);
      },
    });
    positions.keepOnly([]);
    instance.member = joined;
    instance.tenure = randomUUID();
    instance.placed = joined.assignment;
    if (closed.signal.aborted) await giveUpMembership(instance);
    else follow(instance, joined).catch(onError);
  }

  /** Forgets the positions of partitions as soon as they are lost: regained, they may be further on. */
  async function follow(instance: Instance, member: Member): Promise<void> {
    while (instance.member === member && !member.isLost && !instance.closed.signal.aborted) {
      await member.nextAssignment(instance.closed.signal);
      if (instance.member !== member) return;
      place(instance, member);
      instance.interrupt();
    }
  }

  /** Java's way: what earlier answers handed out is committed by the first consume after the interval. */
  function autoCommit(instance: Instance, member: Member): void {
    const { options: own, committedAt } = instance;
    if (!own.autoCommit || instance.committing !== undefined) return;
    if (now() - committedAt < own.autoCommitIntervalMs) return;
    instance.committedAt = now();
    instance.committing = commitHandedOut(instance, member)
      .catch(tellUnlessUnavailable)
      .finally(() => delete instance.committing);
  }

  async function commitHandedOut({ positions }: Instance, member: Member): Promise<void> {
    const offsets = positions.uncommitted();
    if (offsets.length === 0) return;
    await member.commit(offsets);
    positions.markCommitted(offsets);
  }

  /** Commits what auto-commit would have, if it can be, and leaves the group. */
  async function giveUpMembership(instance: Instance): Promise<void> {
    const { member } = instance;
    if (member === undefined) return;
    delete instance.member;
    try {
      await instance.committing;
      if (instance.options.autoCommit && !member.isLost) await commitHandedOut(instance, member);
    } catch (cause) {
      tellUnlessUnavailable(cause);
    }
    await member.leave().catch(tellUnlessUnavailable);
  }

  async function closeInstance(instance: Instance): Promise<void> {
    instances.delete(keyOf(instance.name));
    instance.closed.abort();
    await instance.joining?.catch(tellUnlessUnavailable);
    await giveUpMembership(instance);
  }

  async function closeIdle(): Promise<void> {
    const at = now();
    const idle = [...instances.values()].filter(
      ({ inHand, usedAt, options: own }) =>
        inHand === 0 && at - usedAt >= (own.idleTimeoutMs ?? own.sessionTimeoutMs),
    );
    await Promise.all(idle.map(closeInstance));
  }

  function tellUnlessUnavailable(cause: unknown): void {
    if (!(cause instanceof LogUnavailable)) onError(cause);
  }

  return {
    get size() {
      return instances.size;
    },

    async consume(request) {
      const known = instances.get(keyOf(request));
      if (closing !== undefined) return { records: [] };
      if (known === undefined && instances.size >= maxInstances) return { refused: "too-many" };
      const instance = known ?? open(request);
      const deadline = createDeadline(request.timeoutMs);
      return inTurn(instance, deadline, request.signal, () => consumeNext(instance, request, deadline));
    },

    async commit(name, offsets, assignment) {
      const instance = instances.get(keyOf(name));
      if (instance === undefined) return "unknown";
      instance.usedAt = now();
      await instance.joining;
      const { member, positions } = instance;
      if (member === undefined || member.isLost) return "unknown";
      const isStale =
        member.assignment !== instance.placed || assignment !== assignmentOf(instance).assignment;
      if (assignment !== undefined && isStale) return "stale";
      const chosen = offsets ?? positions.handedOut();
      if (chosen.length === 0) return "committed";
      await member.commit(chosen);
      if (offsets === undefined) positions.markCommitted(chosen);
      return "committed";
    },

    topicsOf: (name) => instances.get(keyOf(name))?.topics,

    async remove(name) {
      const instance = instances.get(keyOf(name));
      const isHere = instance !== undefined && instance.member?.isLost !== true;
      if (instance !== undefined) await closeInstance(instance);
      return isHere || groups.remove(name.group, name.instance);
    },

    closeIdle,

    close() {
      clearInterval(idleCheck);
      closing ??= Promise.all(Array.from(instances.values(), closeInstance)).then(() => {});
      return closing;
    },
  };
}

function assignmentOf({ member, tenure, placed }: Instance): { readonly assignment?: string } {
  // Dealt out anew, but not read from since: to who consumes, still the one before.
  return member === undefined ? {} : { assignment: `${tenure}.${placed}` };
}

function keyOf({ group, instance }: InstanceName): string {
  return `${group}/${instance}`;
}

function isSame(ones: readonly TopicPartition[], others: readonly TopicPartition[]): boolean {
  return isSameSet(ones.map(partitionName), others.map(partitionName));
}

function isSameSet(ones: readonly string[], others: readonly string[]): boolean {
  const first = new Set(ones);
  const second = new Set(others);
  return first.size === second.size && [...first].every((topic) => second.has(topic));
}
