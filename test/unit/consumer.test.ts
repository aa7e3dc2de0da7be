// The drain's decisions: what a record means, where to read, when to stay awake, when to try again, and
// that the counts add up whatever order things happen in.

import { describe, expect, test, vi } from "vitest";
import {
  accept,
  assignmentOf,
  awakeSlackMs,
  noDuties,
  partitionsToRead,
  promisedUntil,
  refresh,
} from "../../consumer/assignment.ts";
import { DeliveryQueue, type QueuedReply } from "../../consumer/delivery-queue.ts";
import { dispose } from "../../consumer/disposition.ts";
import { drainHealth, pollWindowMs } from "../../consumer/health.ts";
import { InFlight } from "../../consumer/in-flight.ts";
import { sumOfVerdicts } from "../../consumer/ledger.ts";
import { ReplyPartitions } from "../../consumer/partitions.ts";
import { run } from "../../consumer/run.ts";
import { RunBudget } from "../../consumer/run-budget.ts";
import type { WaiterRpc } from "../../durable/index.ts";
import type { Delivery } from "../../durable/waiter-state.ts";
import { checkPosition, startPosition } from "../../kafka/position.ts";
import { encodeText, textHeader, type KafkaRecord } from "../../protocol/index.ts";

const hexId = (digit: string) => digit.repeat(64);

function replyRecord(offset: number, id: string, ...headers: [string, string][]): KafkaRecord {
  return {
    topic: "replies",
    partition: 0,
    offset,
    timestamp: 1_000,
    key: null,
    value: encodeText("body"),
    headers: [textHeader("X-Correlation-ID", id), ...headers.map(([key, value]) => textHeader(key, value))],
  };
}

describe("what a record means", () => {
  test("[A16] a reply past its keep-until is late without a word to the waiter", () => {
    expect(dispose(replyRecord(0, hexId("a"), ["X-Keep-Until", "5000"]), 5_000)).toEqual({
      todo: "count",
      fate: { verdict: "late" },
    });
    expect(dispose(replyRecord(0, hexId("a"), ["X-Keep-Until", "5000"]), 4_999)).toMatchObject({
      todo: "deliver",
    });
  });

  test("a passed deadline alone does not drop a reply: only the waiter knows", () => {
    expect(dispose(replyRecord(0, hexId("a"), ["X-Deadline", "1"]), 5_000)).toMatchObject({
      todo: "deliver",
    });
  });

  test("an ID of another form is unknown, a record without one is malformed", () => {
    expect(dispose(replyRecord(0, "spring-1"), 0)).toEqual({ todo: "count", fate: { verdict: "unknown" } });
    expect(dispose({ ...replyRecord(0, "x"), headers: [] }, 0)).toEqual({
      todo: "count",
      fate: { verdict: "malformed", reason: "no correlation ID" },
    });
  });

  test("an unreadable reply to a known exchange tells its caller at once, and counts as malformed", () => {
    expect(dispose(replyRecord(0, hexId("a"), ["X-Reply-Status", "abc"]), 0)).toMatchObject({
      todo: "deliver",
      reply: { status: 502, error: "reply_unreadable" },
      fate: { verdict: "malformed", reason: "reply status is not a number from 200 to 599" },
    });
  });
});

describe("positions", () => {
  const at = (offset: number, log = "L1") => ({ topic: "t", partition: 0, offset, log });

  test("reading starts at the end or at the window, whichever is earlier", () => {
    expect(startPosition(at(10), at(4))).toEqual({ log: "L1", offset: 4 });
    // Records were written between the two questions.
    expect(startPosition(at(10), at(12))).toEqual({ log: "L1", offset: 10 });
  });

  test("a position is gone in another log, before the start and past the end", () => {
    expect(checkPosition({ log: "L1", offset: 5 }, at(5), at(5))).toBe("valid");
    expect(checkPosition({ log: "L1", offset: 5 }, at(0, "L2"), at(9, "L2"))).toBe("gone");
    expect(checkPosition({ log: "L1", offset: 5 }, at(6), at(9))).toBe("gone");
    expect(checkPosition({ log: "L1", offset: 5 }, at(0), at(4))).toBe("gone");
    expect(checkPosition({ log: "", offset: 0 }, at(0), at(4))).toBe("valid");
  });

  test("the place to resume from passes an offset only when all before it are settled", () => {
    const inFlight = new InFlight(7);
    for (const offset of [7, 8, 9]) inFlight.read(offset);
    inFlight.settle(8);
    inFlight.settle(9);
    expect(inFlight.resumeOffset).toBe(7);
    inFlight.settle(7);
    expect(inFlight.resumeOffset).toBe(10);
  });
});

describe("duties", () => {
  const config = {
    services: [{ replyTopic: "replies", replyPartitions: 3, timeoutMs: 5_000 }],
    workersPlan: "free",
  } as const;
  const assignment = assignmentOf(config);

  test("a nudge keeps the drain awake past its deadline, and one that is covered changes nothing", () => {
    const duties = accept(noDuties, assignment, 10_000);
    expect(duties.awakeUntil).toBe(10_000 + awakeSlackMs);
    expect(duties.topics).toEqual({ replies: { partitions: 3, neededUntil: duties.awakeUntil } });
    expect(accept(duties, assignment, 20_000)).toBe(duties);
    expect(accept(duties, assignment, 50_000).awakeUntil).toBe(50_000 + awakeSlackMs);
  });

  test("what is needed for hours keeps its topic as long, and the drain awake only as long as somebody waits", () => {
    const hourMs = 3_600_000;
    const duties = accept(noDuties, assignment, 10_000, hourMs);
    expect(duties.awakeUntil).toBe(10_000 + awakeSlackMs);
    expect(promisedUntil(duties, assignment)).toBe(duties.awakeUntil);
    expect(accept(duties, assignment, duties.awakeUntil, hourMs)).toBe(duties);
    expect(accept(duties, assignment, 10_000, hourMs + 1).topics).toEqual({
      replies: { partitions: 3, neededUntil: hourMs + 1 },
    });
    const other = { ...assignment, topics: [{ topic: "other", partitions: 1 }] };
    const topics = (now: number) => Object.keys(refresh(duties, other, new Map(), now).topics);
    expect(topics(hourMs - 1)).toEqual(["replies", "other"]);
    expect(topics(hourMs)).toEqual(["other"]);
  });

  test("how far back a first start reads follows the longest timeout, also of those who do not wait on the line", () => {
    const [service] = config.services;
    const of = (asyncTimeoutMs: number) =>
      assignmentOf({ ...config, services: [service, { ...service, asyncTimeoutMs }] }).longestTimeoutMs;
    expect([assignment.longestTimeoutMs, of(60_000), of(1)]).toEqual([5_000, 60_000, 5_000]);
  });

  test("a gateway is promised no more than its own topics are owed, whatever another one was promised", () => {
    const mine = accept(noDuties, assignment, 10_000);
    const other = assignmentOf({
      services: [{ replyTopic: "other", replyPartitions: 1, timeoutMs: 300_000 }],
      workersPlan: "free",
    });
    const both = accept(mine, other, 300_000);
    expect(promisedUntil(both, assignment)).toBe(10_000 + awakeSlackMs);
    expect(promisedUntil(both, other)).toBe(300_000 + awakeSlackMs);
  });

  test("another gateway's nudge adds its topics and takes none away", () => {
    const other = assignmentOf({
      services: [{ replyTopic: "other", replyPartitions: 1, timeoutMs: 60_000 }],
      workersPlan: "free",
    });
    const duties = accept(accept(noDuties, assignment, 10_000), other, 20_000);
    expect(Object.keys(duties.topics)).toEqual(["replies", "other"]);
    expect(duties.longestTimeoutMs).toBe(60_000);
  });

  test("partitions are the larger of config and topic; a topic that left the config stays until its last deadline", () => {
    const before = accept(
      noDuties,
      assignmentOf({ ...config, services: [{ replyTopic: "old", replyPartitions: 1, timeoutMs: 1 }] }),
      10_000,
    );
    const needed = before.awakeUntil;
    const counts = new Map([["replies", 6]]);
    expect(refresh(before, assignment, counts, needed - 1).topics).toMatchObject({
      old: {},
      replies: { partitions: 6 },
    });
    expect(Object.keys(refresh(before, assignment, counts, needed).topics)).toEqual(["replies"]);
  });

  const owning = (own: readonly number[], of = 10) =>
    assignmentOf({
      services: [{ replyTopic: "replies", replyPartitions: { own, of }, timeoutMs: 5_000 }],
      workersPlan: "free",
    });
  const read = (duties: Parameters<typeof partitionsToRead>[0]) =>
    partitionsToRead(duties).map(({ partition }) => partition);

  test("[A10, A11] of an owned set only those partitions are read, however many the topic has", () => {
    const duties = accept(noDuties, owning([3, 7]), 10_000);
    expect(read(duties)).toEqual([3, 7]);
    expect(read(refresh(duties, owning([3, 7]), new Map([["replies", 20]]), 10_000))).toEqual([3, 7]);
    expect(read(refresh(noDuties, owning([3, 7]), new Map([["replies", 20]]), 10_000))).toEqual([3, 7]);
    expect(accept(duties, owning([3, 7]), 20_000)).toBe(duties);
  });

  test("[B13] partitions that left an owned set are read until the last deadline on them", () => {
    const before = accept(noDuties, owning([3]), 10_000);
    const both = accept(before, owning([4]), 20_000);
    expect(read(both)).toEqual([3, 4]);
    const tick = (now: number) => read(refresh(both, owning([4]), new Map(), now));
    expect(tick(before.awakeUntil - 1)).toEqual([3, 4]);
    expect(tick(before.awakeUntil)).toEqual([4]);
    // The isolates of the old deployment go on for a while, and theirs is no less.
    const again = accept(both, owning([3]), 60_000);
    expect(read(again)).toEqual([3, 4]);
    expect(promisedUntil(again, owning([3]))).toBe(60_000 + awakeSlackMs);
    expect(promisedUntil(again, owning([4]))).toBe(20_000 + awakeSlackMs);
  });

  test("from all partitions to a set and back, all are read until the last deadline of the first", () => {
    const all = accept(noDuties, assignment, 10_000);
    const both = accept(all, owning([7]), 20_000);
    expect(read(both)).toEqual([0, 1, 2, 7]);
    const counts = new Map([["replies", 10]]);
    expect(read(refresh(both, owning([7]), counts, all.awakeUntil - 1))).toEqual([0, 1, 2, 7]);
    const later = refresh(both, owning([7]), counts, all.awakeUntil);
    expect(read(later)).toEqual([7]);
    expect(read(accept(later, assignment, 30_000))).toEqual([0, 1, 2, 7]);
    expect(read(refresh(later, assignment, counts, both.awakeUntil))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("a topic of which a set was owned leaves with its last deadline, too", () => {
    const before = accept(noDuties, owning([3]), 10_000);
    const other = { ...owning([3]), topics: [{ topic: "other", partitions: 1 }] };
    expect(Object.keys(refresh(before, other, new Map(), before.awakeUntil - 1).topics)).toEqual([
      "replies",
      "other",
    ]);
    expect(Object.keys(refresh(before, other, new Map(), before.awakeUntil).topics)).toEqual(["other"]);
  });

  test("a nudge with more partitions than before has them read from now on, and covers nothing before that", () => {
    const six = assignmentOf({ ...config, services: [{ ...config.services[0], replyPartitions: 6 }] });
    const three = accept(noDuties, assignment, 10_000);
    expect(promisedUntil(three, six)).toBe(0);
    expect(read(accept(three, six, 10_000))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(promisedUntil(three, owning([1]))).toBe(0);
    expect(read(accept(accept(three, six, 10_000), assignment, 20_000))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("duties that were stored before there were owned sets are read as they were meant", () => {
    const stored = { ...noDuties, topics: { replies: { partitions: 3, neededUntil: 40_000 } } };
    expect(read(stored)).toEqual([0, 1, 2]);
    expect(read(accept(stored, owning([7]), 10_000))).toEqual([0, 1, 2, 7]);
    expect(read(refresh(stored, owning([7]), new Map(), 40_000))).toEqual([7]);
  });

  test("[A16] what is forgotten has no reply in flight: its verdict is still counted", async () => {
    const settles: ((verdict: "accepted") => void)[] = [];
    const partitions = new ReplyPartitions(
      {
        waiterIdOf: async (id) => id,
        enqueue: (_, { settle }) => settles.push(settle),
        deadLetter: () => {},
        progressed: () => {},
      },
      [],
    );
    for (const partition of [0, 1])
      partitions.place({ topic: "replies", partition }, { log: "L", offset: 0 });
    await partitions.take([replyRecord(0, hexId("a"))], 0);
    partitions.keepOnly([]);
    expect(partitions.ledger()).toMatchObject([{ partition: 0, read: 1, inFlight: 1 }]);
    for (const settle of settles) settle("accepted");
    expect(partitions.ledger()).toMatchObject([{ partition: 0, inFlight: 0, verdicts: { accepted: 1 } }]);
    partitions.keepOnly([]);
    expect(partitions.ledger()).toEqual([]);
  });
});

test("a drain is silent only when it owes answers and no poll got through within its window", () => {
  expect(drainHealth(1_000, 0, 0, 1_000)).toBe("idle");
  expect(drainHealth(90_000, 1_000, 0, 1_000 + pollWindowMs)).toBe("polling");
  expect(drainHealth(90_000, 1_000, 0, 1_001 + pollWindowMs)).toBe("silent");
  expect(drainHealth(90_000, 0, 50_000, 50_001)).toBe("polling");
});

test("a partition that the config has before the topic is found within seconds, however little the bridge looks", async () => {
  let clock = 0;
  let readAt = 0;
  const thereFrom = 7_000;
  const partitions = new ReplyPartitions(
    { waiterIdOf: async () => undefined, enqueue: () => {}, deadLetter: () => {}, progressed: () => {} },
    [],
  );
  const end = await run(
    {
      partitions,
      kafka: {
        produce: async () => ({ status: "unknown" }),
        topics: async () => ({ status: "read", value: new Map() }),
        groupState: async () => ({ status: "unreachable", cause: "not asked for" }),
        offsets: async (query, wanted) => ({
          status: "read",
          value: wanted.map(({ topic, partition }) => {
            const isThere = partition === 0 || clock >= thereFrom;
            const offset = isThere && partition === 1 && query === "latest" ? 1 : 0;
            return { topic, partition, offset, log: isThere ? "L" : "" };
          }),
        }),
        // Without an identity this bridge does not look for the partition.
        fetch: async (positions, waitMs) => {
          const found = positions.some(
            ({ partition, log, offset }) => partition === 1 && log + offset === "L0",
          );
          if (!found) clock += waitMs;
          else readAt = clock;
          return {
            status: "read",
            value: found ? [{ ...replyRecord(0, hexId("a")), partition: 1 }] : [],
          };
        },
      },
      budget: new RunBudget({ external: 1_000, internal: 1_000 }, 0),
      duties: () => ({
        ...noDuties,
        topics: { replies: { partitions: 2, neededUntil: 30_000 } },
        awakeUntil: 30_000,
      }),
      changed: async (ms) => {
        clock += ms;
      },
      unlessReassigned: (poll) => poll,
      polled: () => {},
      failed: () => {},
      now: () => clock,
    },
    "owed",
  );
  expect([end, partitions.ledger()[1]?.verdicts.unknown]).toEqual(["asleep", 1]);
  expect(readAt - thereFrom).toBeLessThanOrEqual(2_000);
});

describe("a run's budget", () => {
  test("ends the run after a minute, and before a round of Kafka calls would exceed the limit", () => {
    const budget = new RunBudget({ external: 6, internal: 1 }, 0);
    expect(budget.isSpent(59_999)).toBe(false);
    expect(budget.isSpent(60_000)).toBe(true);
    budget.spendKafkaCall();
    budget.spendKafkaCall();
    expect(budget.isSpent(0)).toBe(false);
    budget.spendKafkaCall();
    expect(budget.isSpent(0)).toBe(true);
  });

  test("gives out no more deliveries than it has", () => {
    const budget = new RunBudget({ external: 50, internal: 1 }, 0);
    expect([budget.takeDelivery(), budget.takeDelivery()]).toEqual([true, false]);
    expect(budget.isSpent(0)).toBe(true);
  });
});

describe("the delivery queue", () => {
  type Said = Awaited<ReturnType<WaiterRpc["deliver"]>>;
  type Deliver = (
    waiterId: string,
    deliveries: readonly Delivery[],
    options?: { readonly named?: boolean },
  ) => Promise<Said>;

  function queueOf(
    deliver: Deliver,
    options: { parallel?: number; mayCall?: () => boolean; callTimeoutMs?: number } = {},
  ) {
    let now = 0;
    return new DeliveryQueue({
      waiterFor: (waiterId) => ({ deliver: (...said) => deliver(waiterId, ...said) }),
      mayCall: options.mayCall ?? (() => true),
      parallel: options.parallel ?? 2,
      callTimeoutMs: options.callTimeoutMs ?? 1_000,
      now: () => now,
      pause: async (ms) => void (now += ms),
      random: () => 0,
    });
  }

  const reply = (source: string, verdicts: string[]): QueuedReply => ({
    delivery: { source, topic: "replies", reply: { status: 200, body: new Uint8Array() } },
    giveUpAt: 1_000,
    settle: (verdict, service) =>
      verdicts.push([source, verdict, ...(service === undefined ? [] : [service])].join(" ")),
  });

  test("serves different waiters in parallel up to its bound, and one waiter in order", async () => {
    let active = 0;
    let most = 0;
    const seen: string[] = [];
    const verdicts: string[] = [];
    const queue = queueOf(async (waiterId, deliveries) => {
      most = Math.max(most, ++active);
      await Promise.resolve();
      seen.push(...deliveries.map(({ source }) => `${waiterId}:${source}`));
      active--;
      return deliveries.map(() => "accepted" as const);
    });
    for (const source of ["1", "2", "3"])
      for (const waiter of ["a", "b", "c"]) queue.add(waiter, reply(source, verdicts));
    await vi.waitFor(() => expect(verdicts).toHaveLength(9));
    expect(most).toBe(2);
    for (const waiter of ["a", "b", "c"]) {
      expect(seen.filter((one) => one.startsWith(waiter))).toEqual([
        `${waiter}:1`,
        `${waiter}:2`,
        `${waiter}:3`,
      ]);
    }
  });

  test("asks waiters to name the service, and takes the bare word of one that cannot", async () => {
    const verdicts: string[] = [];
    const queue = queueOf(async (waiterId, deliveries, options) => {
      if (waiterId === "old") return deliveries.map(() => "late" as const);
      return deliveries.map(() => ({
        outcome: "accepted" as const,
        ...(options?.named === true && waiterId === "orders" ? { service: "orders" } : {}),
      }));
    });
    for (const waiter of ["old", "orders", "nameless"]) queue.add(waiter, reply(waiter, verdicts));
    await vi.waitFor(() => expect(verdicts).toHaveLength(3));
    expect(verdicts.toSorted()).toEqual(["nameless accepted", "old late", "orders accepted orders"]);
  });

  test("gives a reply that its waiter said nothing of a verdict all the same", async () => {
    const verdicts: string[] = [];
    const queue = queueOf(async () => []);
    queue.add("a", reply("1", verdicts));
    await vi.waitFor(() => expect(verdicts).toEqual(["1 undeliverable"]));
  });

  test("tries a waiter that fails again with a new stub, and reports undeliverable when it stays lost", async () => {
    const verdicts: string[] = [];
    let calls = 0;
    const queue = queueOf(async (waiterId) => {
      calls++;
      if (waiterId === "lost" || calls < 3) throw new Error("reset");
      return ["accepted"];
    });
    queue.add("shaky", reply("1", verdicts));
    await vi.waitFor(() => expect(verdicts).toEqual(["1 accepted"]));
    calls = 0;
    queue.add("lost", reply("2", verdicts));
    await vi.waitFor(() => expect(verdicts).toContain("2 undeliverable"));
    expect(calls).toBeGreaterThan(3);
  });

  test("says of every reply to a waiter that fails that it is pursued, also of those that wait their turn", async () => {
    const verdicts: string[] = [];
    const pursued: string[] = [];
    const pauses: (() => void)[] = [];
    let isReached = false;
    const queue = new DeliveryQueue({
      waiterFor: () => ({
        deliver: async (deliveries) => {
          if (!isReached) throw new Error("reset");
          return deliveries.map(() => "accepted");
        },
      }),
      mayCall: () => true,
      parallel: 2,
      callTimeoutMs: 1_000,
      now: () => 0,
      pause: () => new Promise((resolve) => pauses.push(resolve)),
      random: () => 0,
    });
    const add = (source: string) =>
      queue.add("a", { ...reply(source, verdicts), pursued: () => pursued.push(source) });
    add("1");
    add("2");
    await vi.waitFor(() => expect(pauses).toHaveLength(1));
    expect(new Set(pursued)).toEqual(new Set(["1", "2"]));
    add("3");
    expect(pursued).toContain("3");
    isReached = true;
    pauses.shift()?.();
    await vi.waitFor(() => expect(verdicts).toEqual(["1 accepted", "2 accepted", "3 accepted"]));
    const said = pursued.length;
    add("4");
    await vi.waitFor(() => expect(verdicts).toHaveLength(4));
    expect(pursued).toHaveLength(said);
  });

  test("does not wait longer than its time for a waiter that never answers", async () => {
    const verdicts: string[] = [];
    const queue = queueOf(() => new Promise(() => {}), { callTimeoutMs: 5 });
    queue.add("silent", reply("1", verdicts));
    await vi.waitFor(() => expect(verdicts).toEqual(["1 undeliverable"]));
  });

  test("serves others while waiters that are out of reach are given a pause", async () => {
    const verdicts: string[] = [];
    const pauses: (() => void)[] = [];
    const queue = new DeliveryQueue({
      waiterFor: (waiterId) => ({
        deliver: async () => {
          if (waiterId !== "there") throw new Error("reset");
          return ["accepted"];
        },
      }),
      mayCall: () => true,
      parallel: 2,
      callTimeoutMs: 1_000,
      now: () => 0,
      pause: () => new Promise((resolve) => pauses.push(resolve)),
      random: () => 0,
    });
    for (const waiter of ["lost", "lost too"]) queue.add(waiter, reply(waiter, verdicts));
    await vi.waitFor(() => expect(pauses).toHaveLength(2));
    queue.add("there", reply("1", verdicts));
    await vi.waitFor(() => expect(verdicts).toEqual(["1 accepted"]));
    // And comes back to them.
    for (const end of pauses.splice(0)) end();
    await vi.waitFor(() => expect(pauses).toHaveLength(2));
  });

  test("leaves calls for others while many waiters hang, and comes back to all of them", async () => {
    const verdicts: string[] = [];
    const hanging: (() => void)[] = [];
    const called = new Map<string, number>();
    const queue = queueOf(
      async (waiterId) => {
        const before = called.get(waiterId) ?? 0;
        called.set(waiterId, before + 1);
        if (waiterId.startsWith("there")) return ["accepted"];
        if (before === 0) throw new Error("reset");
        await new Promise<void>((resolve) => hanging.push(resolve));
        return ["late"];
      },
      { parallel: 4, callTimeoutMs: 60_000 },
    );
    const lost = Array.from({ length: 10 }, (_, at) => `lost ${at}`);
    for (const waiter of lost) queue.add(waiter, reply(waiter, verdicts));
    await vi.waitFor(() => expect([called.size, hanging.length]).toEqual([10, 2]));
    for (const waiter of ["there 1", "there 2", "there 3"]) queue.add(waiter, reply(waiter, verdicts));
    await vi.waitFor(() =>
      expect(verdicts).toEqual(["there 1 accepted", "there 2 accepted", "there 3 accepted"]),
    );
    expect(hanging).toHaveLength(2);
    await vi.waitFor(() => {
      hanging.shift()?.();
      expect(verdicts).toHaveLength(13);
    });
  });

  test("charges every repeat of a call, and leaves the rest to the next run when there is none left", async () => {
    const verdicts: string[] = [];
    let calls = 0;
    let left = 2;
    const queue = queueOf(
      async () => {
        calls++;
        if (calls < 4) throw new Error("reset");
        return ["accepted"];
      },
      { mayCall: () => left-- > 0 },
    );
    queue.add("a", reply("1", verdicts));
    await vi.waitFor(() => expect(left).toBeLessThan(0));
    expect([calls, verdicts]).toEqual([2, []]);
    left = 10;
    queue.resume();
    await vi.waitFor(() => expect(verdicts).toEqual(["1 accepted"]));
  });

  test("pauses when the run may call nobody any more, and goes on when it is resumed", async () => {
    const verdicts: string[] = [];
    let allowed = false;
    const queue = queueOf(async (_, deliveries) => deliveries.map(() => "held" as const), {
      mayCall: () => allowed,
    });
    queue.add("a", reply("1", verdicts));
    await Promise.resolve();
    expect(verdicts).toEqual([]);
    allowed = true;
    queue.resume();
    await vi.waitFor(() => expect(verdicts).toEqual(["1 held"]));
  });
});

describe("reply partitions", () => {
  function partitionsOf() {
    const queued: QueuedReply[] = [];
    const deadLetters: unknown[] = [];
    const partitions = new ReplyPartitions(
      {
        waiterIdOf: async (id) => {
          if (id.startsWith("e")) throw new Error("no key");
          return id.startsWith("f") ? undefined : id;
        },
        enqueue: (_, reply) => queued.push(reply),
        deadLetter: ({ offset }, fate) => deadLetters.push({ offset, ...fate }),
        progressed: () => {},
      },
      [],
    );
    partitions.place({ topic: "replies", partition: 0 }, { log: "L1", offset: 0 });
    return { partitions, queued, deadLetters };
  }

  const onlyLedger = (partitions: ReplyPartitions) => {
    const [ledger] = partitions.ledger();
    if (ledger === undefined) throw new Error("there is one partition");
    return ledger;
  };

  test("[A16] replies read are the sum of verdicts and of what is in flight, at every moment", async () => {
    const { partitions, queued } = partitionsOf();
    const check = () => {
      const { read, verdicts, inFlight } = onlyLedger(partitions);
      expect(read).toBe(sumOfVerdicts(verdicts) + inFlight);
    };
    await partitions.take(
      [
        replyRecord(0, hexId("a")),
        replyRecord(1, hexId("f")),
        replyRecord(2, "nonsense"),
        replyRecord(3, hexId("b")),
      ],
      0,
    );
    check();
    expect(onlyLedger(partitions)).toMatchObject({
      read: 4,
      inFlight: 2,
      offset: 0,
      verdicts: { unknown: 2 },
    });
    queued[1]?.settle("accepted");
    check();
    expect(onlyLedger(partitions).offset).toBe(0);
    queued[0]?.settle("duplicate");
    check();
    expect(onlyLedger(partitions)).toMatchObject({ offset: 4, inFlight: 0 });
  });

  test("what is stored counts no reply without a verdict, and resumes before it", async () => {
    const { partitions, queued } = partitionsOf();
    await partitions.take([replyRecord(0, hexId("a")), replyRecord(1, hexId("b"))], 0);
    queued[1]?.settle("accepted");
    const [stored] = partitions.stored();
    expect(stored).toMatchObject({
      position: { log: "L1", offset: 0 },
      counts: { read: 1, verdicts: { accepted: 1 } },
    });
  });

  test("records that were read already, by a poll that was given up, are not read twice", async () => {
    const { partitions } = partitionsOf();
    await partitions.take([replyRecord(0, hexId("a"))], 0);
    await partitions.take([replyRecord(0, hexId("a"))], 0);
    expect(onlyLedger(partitions).read).toBe(1);
  });

  test("a log that was created anew is counted as a reset, and what was in flight still gets its verdict", async () => {
    const { partitions, queued } = partitionsOf();
    await partitions.take([replyRecord(0, hexId("a"))], 0);
    partitions.place({ topic: "replies", partition: 0 }, { log: "L2", offset: 0 });
    partitions.keepOnly([]);
    expect(onlyLedger(partitions)).toMatchObject({ read: 1, inFlight: 1 });
    expect(partitions.unbalanced()).toEqual([]);
    queued[0]?.settle("accepted");
    expect(partitions.unbalanced()).toEqual([]);
    const ledger = onlyLedger(partitions);
    expect(ledger).toMatchObject({ resets: 1, read: 1, offset: 0, verdicts: { accepted: 1 } });
    expect(ledger.read).toBe(sumOfVerdicts(ledger.verdicts) + ledger.inFlight);
  });

  test("a record that breaks the look-up of its waiter gets a verdict, and those behind it are read", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const { partitions, queued } = partitionsOf();
    await partitions.take([replyRecord(0, hexId("e")), replyRecord(1, hexId("a"))], 0);
    expect(queued).toHaveLength(1);
    expect(onlyLedger(partitions)).toMatchObject({
      read: 2,
      inFlight: 1,
      offset: 1,
      verdicts: { undeliverable: 1 },
    });
    expect(error).toHaveBeenCalledOnce();
  });

  test("how long a reply is of use is for its keep-until to say, and nothing else", async () => {
    const { partitions, queued } = partitionsOf();
    await partitions.take(
      [replyRecord(0, hexId("a")), replyRecord(1, hexId("b"), ["X-Keep-Until", "5000"])],
      1_000_000_000,
    );
    await partitions.take([replyRecord(2, hexId("b"), ["X-Keep-Until", "5000"])], 4_000);
    expect(queued.map(({ giveUpAt }) => giveUpAt)).toEqual([Infinity, 5_000]);
  });

  test("what is undeliverable or malformed becomes a dead letter, with the reason", async () => {
    const { partitions, queued, deadLetters } = partitionsOf();
    const unreadable = replyRecord(1, hexId("a"), ["X-Reply-Status", "abc"]);
    await partitions.take(
      [
        replyRecord(0, hexId("a")),
        unreadable,
        { ...replyRecord(2, "x"), headers: [] },
        replyRecord(3, "nonsense"),
      ],
      0,
    );
    queued[0]?.settle("undeliverable");
    queued[1]?.settle("accepted", "orders");
    expect(deadLetters).toEqual([
      { offset: 2, verdict: "malformed", reason: "no correlation ID" },
      { offset: 0, verdict: "undeliverable", reason: "the waiter stayed out of reach" },
      {
        offset: 1,
        verdict: "malformed",
        service: "orders",
        reason: "reply status is not a number from 200 to 599",
      },
    ]);
    expect(onlyLedger(partitions).byService).toEqual({ orders: { malformed: 1 } });
  });
});
