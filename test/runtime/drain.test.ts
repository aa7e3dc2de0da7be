// The drain as a real Durable Object on a real bridge: what it says of every kind of reply, and how it
// stays awake, comes back after a reset, and sleeps.

import { abortAllDurableObjects, createScheduledController, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DrainStorage } from "../../consumer/drain-storage.ts";
import { noCounts } from "../../consumer/ledger.ts";
import { assignmentOf } from "../../consumer/library.ts";
import gateway from "./entry.ts";
import config from "./gateway-config.ts";
import {
  bareReply,
  drain,
  expectVerdicts,
  operatorAsks,
  post,
  produce,
  replyTo,
  requestWith,
  seeWaiters,
  totals,
} from "./support.ts";

const assignment = assignmentOf(config);
const spec = () => ({ deadlineAt: Date.now() + 2_000, replyTopic: "replies" });

// Awake for the whole test, whatever it asks.
beforeEach(async () => {
  await drain().nudge(assignment, Date.now() + 60_000);
});
afterEach(() => vi.restoreAllMocks());

async function openWaiter(service = "echo") {
  const id = env.WAITER.newUniqueId();
  const waiter = env.WAITER.get(id);
  const wait = waiter.wait({ ...spec(), service }, 1_500);
  // A test may reset the object and never look at this wait again.
  wait.catch(() => {});
  await expect.poll(() => waiter.peek()).toBe("open");
  return { id: id.toString(), wait };
}

test("a reply to a waiting caller is accepted, a second one is a duplicate", async () => {
  const { id, wait } = await openWaiter();
  await expectVerdicts(
    async () => {
      await produce(bareReply(id));
      await produce(bareReply(id));
    },
    { accepted: 1, duplicate: 1 },
  );
  expect(await wait).toMatchObject({ status: "replied" });
});

test("a reply that comes before anybody waits is held and then claimed", async () => {
  const id = env.WAITER.newUniqueId();
  await expectVerdicts(() => produce(bareReply(id.toString())), { held: 1 });
  expect(await env.WAITER.get(id).wait(spec(), 1_500)).toMatchObject({ status: "replied" });
});

test("[A16] a reply past its keep-until is late, and its waiter is not woken for it", async () => {
  const id = env.WAITER.newUniqueId().toString();
  await expectVerdicts(() => produce(bareReply(id, [["X-Keep-Until", String(Date.now() - 1)]])), { late: 1 });
  expect(await env.WAITER.get(env.WAITER.idFromString(id)).peek()).toBe("idle");
});

test("a forged ID, one of another namespace, and one of another form are unknown and wake no object", async () => {
  const foreign = env.REPLY_DRAIN.newUniqueId().toString();
  const forgedUuid = "019a0b0c-0d0e-8abc-9def-0123456789ab";
  await expectVerdicts(
    async () => {
      for (const id of ["0".repeat(64), "ab".repeat(32), foreign, forgedUuid, "order-1"])
        await produce(bareReply(id));
    },
    { unknown: 5 },
  );
});

test("a record without any ID is malformed, and the replies behind it are read all the same", async () => {
  const { id, wait } = await openWaiter();
  await expectVerdicts(
    async () => {
      await produce({ topic: "replies", partition: 0, key: null, value: null, headers: [] });
      await produce(bareReply(id));
    },
    { malformed: 1, accepted: 1 },
  );
  expect(await wait).toMatchObject({ status: "replied" });
});

test("a reply from a topic that its exchange was not opened for is foreign and answers nobody", async () => {
  const { id, wait } = await openWaiter();
  await expectVerdicts(() => produce(bareReply(id, [], "uuid.replies")), { foreign: 1 });
  await expectVerdicts(() => produce(bareReply(id)), { accepted: 1 });
  expect(await wait).toMatchObject({ status: "replied" });
});

test("a reply for one waiter leaves every other one waiting", async () => {
  const [mine, other] = [await openWaiter(), await openWaiter()];
  await expectVerdicts(() => produce(bareReply(mine.id)), { accepted: 1 });
  expect(await mine.wait).toMatchObject({ status: "replied" });
  expect(await env.WAITER.get(env.WAITER.idFromString(other.id)).peek()).toBe("open");
});

test("after a reset the drain goes on where it was: nothing is lost and what is read again is counted again", async () => {
  const { id, wait } = await openWaiter();
  await expectVerdicts(() => produce(bareReply(id)), { accepted: 1 });
  await wait;
  const before = totals(await drain().ledger());
  await abortAllDurableObjects();
  const next = await openWaiter();
  await produce(bareReply(next.id));
  await drain().nudge(assignment, Date.now() + 60_000);
  expect(await next.wait).toMatchObject({ status: "replied" });
  const after = totals(await drain().ledger());
  expect(after.read).toBeGreaterThan(0);
  expect(after.read).toBe(
    Object.values(after.verdicts).reduce((sum, count) => sum + count, 0) + after.inFlight,
  );
  expect(after.read).toBeLessThanOrEqual(before.read + 2);
});

test("a waiter that is reset in the middle of a wait gets its reply when its caller attaches again", async () => {
  const me = `reset-${crypto.randomUUID()}`;
  const asked = post("/echo", me);
  const request = await requestWith("echo.requests", me);
  await abortAllDurableObjects();
  await drain().nudge(assignment, Date.now() + 60_000);
  await replyTo(request, { text: "after the reset" });
  expect(await (await asked).text()).toBe("after the reset");
});

test("a nudge is stored before it is answered, and covers the deadlines up to what it says", async () => {
  const deadlineAt = Date.now() + 120_000;
  const awakeUntil = await drain().nudge(assignment, deadlineAt);
  expect(awakeUntil).toBeGreaterThanOrEqual(deadlineAt);
  const stored = await runInDurableObject(drain(), (_, state) => state.storage.kv.get("duties"));
  expect(stored).toMatchObject({ value: { awakeUntil } });
  expect(await drain().nudge(assignment, deadlineAt + 1)).toBe(awakeUntil);
});

test("the watchdog wakes a drain that owes answers but does not run", async () => {
  await abortAllDurableObjects();
  await runInDurableObject(drain(), (_, state) => state.storage.deleteAlarm());
  const { id, wait } = await openWaiter();
  await produce(bareReply(id));
  await gateway.scheduled(createScheduledController(), env);
  expect(await wait).toMatchObject({ status: "replied" });
  expect((await drain().status()).health).toBe("polling");
});

test("a drain that is owed nothing sleeps, and each tick of the watchdog polls once for what came late", async () => {
  // Nobody has nudged this one: it is asleep from the start.
  const sleeper = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  expect((await sleeper.status()).health).toBe("idle");
  await produce(bareReply(env.WAITER.newUniqueId().toString(), [["X-Keep-Until", "1"]]));
  await sleeper.tick(assignment);
  expect(totals(await sleeper.ledger()).verdicts.late).toBeGreaterThan(0);
  expect(await runInDurableObject(sleeper, (_, state) => state.storage.getAlarm())).toBeNull();
});

test("a nudge in the middle of a tick's short poll keeps the drain awake", async () => {
  const sleeper = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  const fetched = globalThis.fetch;
  const slow = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    await scheduler.wait(30);
    return fetched(input, init);
  });
  const ticking = sleeper.tick(assignment);
  // A tick that was nudged goes on for as long as the drain is awake; the test ends it.
  const ended = ticking.catch(() => {});
  await expect.poll(() => slow.mock.calls.length).toBeGreaterThan(0);
  await sleeper.nudge(assignment, Date.now() + 60_000);
  vi.restoreAllMocks();
  await expect.poll(async () => (await sleeper.ledger()).partitions.length).toBeGreaterThan(0);
  const before = totals(await sleeper.ledger()).read;
  await produce(bareReply(env.WAITER.newUniqueId().toString(), [["X-Keep-Until", "1"]]));
  await expect.poll(async () => totals(await sleeper.ledger()).read).toBeGreaterThan(before);
  await abortAllDurableObjects();
  await ended;
});

test("a sleeping drain stores the verdicts of what a tick brought, so that the next tick does not repeat them", async () => {
  const id = env.REPLY_DRAIN.newUniqueId();
  const sleeper = env.REPLY_DRAIN.get(id);
  await produce(bareReply(env.WAITER.newUniqueId().toString()));
  await sleeper.tick(assignment);
  const stored = await runInDurableObject(sleeper, (_, state) => state.storage.kv.get("progress"));
  const { partitions } = await sleeper.ledger();
  expect(partitions.every(({ inFlight }) => inFlight === 0)).toBe(true);
  expect(stored).toMatchObject({
    value: partitions.map(({ topic, partition, offset }) => ({ topic, partition, position: { offset } })),
  });
});

test("partitions that the topic has beyond the config are drained from the next tick on", async () => {
  const sleeper = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  const fewer = { ...assignment, topics: [{ topic: "replies", partitions: 1 }] };
  await sleeper.nudge(fewer, Date.now());
  await sleeper.tick(fewer);
  await expect.poll(async () => (await sleeper.ledger()).partitions.length).toBe(3);
});

/** A drain of its own, and a topic that nobody else reads; its three partitions hold what is produced first. */
async function drainOfOwnTopic() {
  const topic = `owned.${crypto.randomUUID()}`;
  const id = env.REPLY_DRAIN.newUniqueId();
  const late = (partition: number) =>
    produce({
      ...bareReply(env.WAITER.newUniqueId().toString(), [["X-Keep-Until", "1"]], topic),
      partition,
    });
  for (const partition of [0, 1, 2]) await late(partition);
  const stub = () => env.REPLY_DRAIN.get(id);
  const owning = (...own: number[]) => ({ ...assignment, topics: [{ topic, partitions: 3, own }] });
  /** Replies read by partition, of those that are read at all. */
  const reads = async () =>
    Object.fromEntries((await stub().ledger()).partitions.map(({ partition, read }) => [partition, read]));
  return { topic, stub, late, owning, reads };
}

test("[A10, A11] a drain that owns one partition reads that one and no other, awake or at a tick", async () => {
  const { stub, late, owning, reads } = await drainOfOwnTopic();
  await stub().tick(owning(1));
  expect(await reads()).toEqual({ 1: 1 });
  await stub().nudge(owning(1), Date.now() + 60_000);
  for (const partition of [0, 2, 1]) await late(partition);
  await expect.poll(reads).toEqual({ 1: 2 });
});

test("[B13] a drain whose set has changed reads the partitions of both, and the new ones from before the change", async () => {
  const { stub, late, owning, reads } = await drainOfOwnTopic();
  await stub().nudge(owning(0), Date.now() + 60_000);
  await expect.poll(reads).toEqual({ 0: 1 });
  await stub().nudge(owning(2), Date.now() + 60_000);
  await expect.poll(reads).toEqual({ 0: 1, 2: 1 });
  await late(0);
  await expect.poll(reads).toEqual({ 0: 2, 2: 1 });
  // A reset forgets neither.
  await abortAllDurableObjects();
  await stub().nudge(owning(2), Date.now() + 60_000);
  for (const partition of [0, 1, 2]) await late(partition);
  await expect.poll(reads).toEqual({ 0: 3, 2: 2 });
});

test("a partition that left the config is polled by ticks until nobody needs it, by a drain that sleeps meanwhile", async () => {
  const { stub, late, owning, reads } = await drainOfOwnTopic();
  const longAgo = Date.now() - 60_000;
  await stub().nudge(owning(0), longAgo, Date.now() + 3_600_000);
  // A gateway of before says one instant.
  await stub().nudge(owning(2), longAgo);
  expect((await stub().status()).health).toBe("idle");
  await stub().tick(owning(1));
  expect(await reads()).toEqual({ 0: 1, 1: 1 });
  for (const partition of [0, 1, 2]) await late(partition);
  await stub().tick(owning(1));
  expect(await reads()).toEqual({ 0: 2, 1: 2 });
});

test("[B13] duties from before there were owned sets are read on until their last deadline", async () => {
  const { topic, stub, owning, reads } = await drainOfOwnTopic();
  const store = async (neededUntil: number): Promise<void> => {
    await runInDurableObject(stub(), (_, state) => {
      const { subrequests, longestTimeoutMs } = assignment;
      const topics = { [topic]: { partitions: 2, neededUntil } };
      state.storage.kv.put("duties", {
        version: 1,
        value: { topics, longestTimeoutMs, subrequests, awakeUntil: 0 },
      });
      state.storage.kv.delete("progress");
    });
    await abortAllDurableObjects();
  };
  await store(Date.now() + 60_000);
  await stub().tick(owning(2));
  expect(await reads()).toEqual({ 0: 1, 1: 1, 2: 1 });
  await store(Date.now());
  await stub().tick(owning(2));
  expect(await reads()).toEqual({ 2: 1 });
});

test("a topic that grew is read whole from the next nudge or tick on, and nothing that came before is missed", async () => {
  const { topic, stub, late, reads } = await drainOfOwnTopic();
  const of = (partitions: number) => ({ ...assignment, topics: [{ topic, partitions }] });
  await stub().nudge(of(1), Date.now() + 60_000);
  await expect.poll(reads).toEqual({ 0: 1 });
  await late(1);
  await stub().nudge(of(2), Date.now() + 60_000);
  await expect.poll(reads).toEqual({ 0: 1, 1: 2 });
  await late(2);
  const ticking = stub().tick(of(2));
  await expect.poll(reads).toEqual({ 0: 1, 1: 2, 2: 2 });
  await abortAllDurableObjects();
  await ticking.catch(() => {});
});

interface ServiceLedger {
  readonly balanced: boolean;
  readonly services: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly partitions: readonly {
    readonly topic: string;
    readonly services: readonly string[];
    readonly byService: Readonly<Record<string, Readonly<Record<string, number>>>>;
  }[];
}

test("the ledger tells the services of one topic apart, and gives a topic's only service what nobody named", async () => {
  const ledger = async () => (await operatorAsks("ledger")).body as ServiceLedger;
  const before = await ledger();
  const { id, wait } = await openWaiter("order");
  await expectVerdicts(
    async () => {
      await produce(bareReply(id));
      await produce(bareReply("order-1"));
      await produce(bareReply("order-1", [], "uuid.replies"));
    },
    { accepted: 1, unknown: 2 },
  );
  expect(await wait).toMatchObject({ status: "replied" });
  const after = await ledger();
  expect(after.balanced).toBe(true);
  const more = (service: string, verdict: string) =>
    (after.services[service]?.[verdict] ?? 0) - (before.services[service]?.[verdict] ?? 0);
  expect([more("order", "accepted"), more("identified", "unknown"), more("order", "unknown")]).toEqual([
    1, 1, 0,
  ]);
  const partition = after.partitions.find(({ byService }) => byService["order"]?.["accepted"]);
  expect(partition).toMatchObject({ topic: "replies", services: ["echo", "quick", "basket", "order"] });
});

test("books that do not balance are shown as such, and the log says so once", async () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const sleeper = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  await sleeper.tick(assignment);
  expect((await sleeper.ledger()).balanced).toBe(true);
  await runInDurableObject(sleeper, (_, { storage }) => {
    const stored = new DrainStorage(storage);
    // As if one verdict of the last instance had gone missing.
    const [first, ...others] = stored.loadProgress();
    if (first === undefined) throw new Error("the drain has read");
    const counts = { ...first.counts, read: first.counts.read + 1 };
    stored.saveProgress([{ ...first, counts }, ...others]);
  });
  await abortAllDurableObjects();
  const again = env.REPLY_DRAIN.get(sleeper.id);
  for (let times = 0; times < 2; times++) expect((await again.ledger()).balanced).toBe(false);
  const said = error.mock.calls.filter(([text]) => String(text).includes("does not balance"));
  expect(said).toHaveLength(1);
});

test("the progress of a thousand partitions with several services is stored whole, and of too many without them", async () => {
  const sleeper = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  const progressWith = (services: number) => {
    const names = Array.from({ length: services }, (_, at) => `service-${at}`.padEnd(20, "x"));
    // Objects of its own for each partition, as in a drain: what is shared would be stored once.
    const byService = () =>
      Object.fromEntries(names.map((name) => [name, { accepted: 1_000_000, late: 1_000, duplicate: 9 }]));
    return Array.from({ length: 1_000 }, (_, partition) => ({
      topic: "t".repeat(100),
      partition,
      position: { log: crypto.randomUUID(), offset: 1_000_000_000 },
      counts: { ...noCounts, verdicts: { ...noCounts.verdicts }, read: 3_000_000, byService: byService() },
    }));
  };
  await runInDurableObject(sleeper, (_, { storage }) => {
    const stored = new DrainStorage(storage);
    const servicesAfter = (services: number) => {
      stored.saveProgress(progressWith(services));
      const loaded = stored.loadProgress();
      return [loaded.length, Object.keys(loaded[999]?.counts.byService ?? {}).length];
    };
    expect(servicesAfter(5)).toEqual([1_000, 5]);
    expect(servicesAfter(100)).toEqual([1_000, 0]);
  });
});

test("a waiter that stays out of reach makes its reply a dead letter, and holds up nobody else", async () => {
  const [lost, other] = [await openWaiter(), await openWaiter()];
  const before = (await drain().ledger()).deadLetters;
  const ofUseUntil = String(Date.now() + 1_500);
  await seeWaiters((id, real) => {
    if (id === lost.id) throw new Error("out of reach");
    return real;
  });
  await expectVerdicts(
    async () => {
      await produce(bareReply(lost.id, [["X-Keep-Until", ofUseUntil]]));
      await produce(bareReply(other.id));
      expect(await other.wait).toMatchObject({ status: "replied" });
    },
    { accepted: 1 },
  );
  await expect.poll(async () => (await drain().ledger()).deadLetters, { timeout: 10_000 }).toBe(before + 1);
}, 15_000);

test("five waiters that stay out of reach, with large replies that are of use for ever, hold up nobody else", async () => {
  const lost = await Promise.all(Array.from({ length: 5 }, () => openWaiter()));
  const lostIds = new Set(lost.map(({ id }) => id));
  const before = (await drain().ledger()).deadLetters;
  await seeWaiters((id, real) => {
    if (lostIds.has(id)) throw new Error("out of reach");
    return real;
  });
  for (const id of lostIds) await produce({ ...bareReply(id), value: new Uint8Array(1_000_000) });
  // All of them are read: together they are more than what may be undelivered.
  await expect.poll(async () => totals(await drain().ledger()).inFlight).toBe(5);
  for (let others = 0; others < 3; others++) {
    const other = await openWaiter();
    await produce(bareReply(other.id));
    expect(await other.wait).toMatchObject({ status: "replied" });
  }
  expect(totals(await drain().ledger()).inFlight).toBe(5);
  // Nobody has given them up: they are delivered once their waiters are back.
  vi.restoreAllMocks();
  await expect.poll(async () => totals(await drain().ledger()).inFlight, { timeout: 10_000 }).toBe(0);
  expect((await drain().ledger()).deadLetters).toBe(before);
}, 20_000);

test("a reply that is written while Kafka REST is out of reach is delivered once it is back", async () => {
  const { id, wait } = await openWaiter();
  await produce(bareReply(id));
  await wait;
  const next = await openWaiter();
  // The poll in hand is given up with its drain; the one that follows finds nobody.
  await abortAllDurableObjects();
  const refused = vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("connection refused"));
  await drain().nudge(assignment, Date.now() + 60_000);
  await expect.poll(() => refused.mock.calls.length).toBeGreaterThan(0);
  vi.restoreAllMocks();
  await produce(bareReply(next.id));
  const again = env.WAITER.get(env.WAITER.idFromString(next.id)).wait(spec(), 1_500);
  expect(await again).toMatchObject({ status: "replied" });
});
