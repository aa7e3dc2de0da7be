// Waiters out of reach, one or all of them, and what that does to the others: the run, the partitions and the queue of a
// drain together, with a clock of the test.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { noDuties } from "../../consumer/assignment.ts";
import { Backlog } from "../../consumer/backlog.ts";
import { DeliveryQueue } from "../../consumer/delivery-queue.ts";
import { ReplyPartitions } from "../../consumer/partitions.ts";
import { run } from "../../consumer/run.ts";
import { RunBudget } from "../../consumer/run-budget.ts";
import { Signal } from "../../consumer/signal.ts";
import { textHeader, type KafkaRecord } from "../../protocol/index.ts";

const minuteMs = 60_000;
const mebi = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A reply for a waiter of its own. */
const idOf = (offset: number) => offset.toString(16).padStart(64, "0");

/** A drain that stays awake, over one partition with these replies, by their sizes; more may be pushed. */
function drainOver(sizes: number[], isReached: (offset: number) => boolean) {
  const log: KafkaRecord[] = [];
  const push = (...more: number[]) => {
    for (const bytes of more) {
      const offset = log.length;
      const headers = [textHeader("X-Correlation-ID", idOf(offset))];
      const value = new Uint8Array(bytes);
      log.push({ topic: "replies", partition: 0, offset, timestamp: 0, key: null, value, headers });
    }
  };
  push(...sizes);
  const changed = new Signal();
  const deadLetters: number[] = [];
  const delivered: number[] = [];
  let budget = new RunBudget({ external: 4_000, internal: 6_000 }, 0);
  const queue = new DeliveryQueue({
    waiterFor: (waiterId) => ({
      deliver: async (deliveries) => {
        if (!isReached(Number.parseInt(waiterId, 16))) throw new Error("out of reach");
        delivered.push(...deliveries.map(({ source }) => Number(source.split("/")[2])));
        return deliveries.map(() => "accepted" as const);
      },
    }),
    mayCall: () => budget.takeDelivery(),
    parallel: 128,
    callTimeoutMs: 5_000,
    now: Date.now,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => 0.5,
  });
  const partitions = new ReplyPartitions(
    {
      waiterIdOf: async (id) => id,
      enqueue: (waiterId, reply) => queue.add(waiterId, reply),
      deadLetter: ({ offset }) => deadLetters.push(offset),
      progressed: () => changed.fire(),
    },
    [],
  );
  const at = (offset: number) => [{ topic: "replies", partition: 0, offset, log: "L" }];
  const start = async (): Promise<void> => {
    for (;;) {
      budget = new RunBudget({ external: 4_000, internal: 6_000 }, Date.now());
      queue.resume();
      await run(
        {
          kafka: {
            produce: async () => ({ status: "unknown" }),
            topics: async () => ({ status: "read", value: new Map() }),
            groupState: async () => ({ status: "unreachable", cause: "not asked for" }),
            offsets: async (query) => ({ status: "read", value: at(query === "latest" ? log.length : 0) }),
            fetch: async ([position], waitMs) => {
              let left = 4 * mebi;
              const value = log.slice(position?.offset).filter(({ value: bytes }) => {
                left -= bytes?.byteLength ?? 0;
                return left >= 0;
              });
              if (value.length === 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
              return { status: "read", value };
            },
          },
          partitions,
          budget,
          duties: () => ({
            ...noDuties,
            topics: { replies: { partitions: 1, neededUntil: Infinity } },
            awakeUntil: Infinity,
          }),
          changed: (ms) => changed.nextWithin(ms),
          unlessReassigned: (poll) => poll,
          polled: () => {},
          failed: () => {},
          now: Date.now,
        },
        "owed",
      );
    }
  };
  void start();
  const books = () => {
    const [ledger] = partitions.ledger();
    if (ledger === undefined) throw new Error("the drain has placed its partition");
    return ledger;
  };
  return { push, books, deadLetters, delivered };
}

describe("waiters out of reach", () => {
  test("five with large replies hold up nobody else, and are given up after a minute", async () => {
    const { push, books, deadLetters, delivered } = drainOver(
      Array<number>(5).fill(1_000_000),
      (offset) => offset >= 5,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    push(...Array<number>(20).fill(1_000));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(delivered).toHaveLength(20);
    expect(books()).toMatchObject({ offset: 0, inFlight: 5 });
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(new Set(deadLetters)).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(books()).toMatchObject({ offset: 25, verdicts: { accepted: 20, undeliverable: 5 } });
  });

  test("while all are out of reach, for minutes, reading stops and the offset stays; then all is delivered", async () => {
    let isBack = false;
    const sizes = Array<number>(3_000).fill(10_000);
    const { books, deadLetters, delivered } = drainOver(sizes, () => isBack);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(books()).toMatchObject({ offset: 0, verdicts: { undeliverable: 0 } });
    // 8 MiB that are pursued, 4 MiB that are undelivered, and one more answer of 4 MiB.
    expect(books().read * 10_000).toBeLessThan(16 * mebi);
    expect(books().read).toBe(books().inFlight);
    isBack = true;
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(delivered.toSorted((a, b) => a - b)).toEqual(sizes.map((_, offset) => offset));
    expect([deadLetters, books()]).toMatchObject([[], { offset: 3_000, verdicts: { accepted: 3_000 } }]);
  });

  test("one that is lost where nobody else gets a reply is given up once somebody else did", async () => {
    const { push, books, deadLetters } = drainOver([1_000], (offset) => offset > 0);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect([deadLetters, books().offset]).toEqual([[], 0]);
    push(1_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect([deadLetters, books().offset]).toEqual([[0], 2]);
  });
});

test("a call that began before the others got through again is no reason to give its waiter up", async () => {
  const verdicts: string[] = [];
  let stays: "lost" | "hanging" | "there" = "lost";
  const queue = new DeliveryQueue({
    waiterFor: (waiterId) => ({
      deliver: async () => {
        if (waiterId === "other" || stays === "there") return ["accepted"];
        // A call that hangs ends at its deadline.
        return stays === "lost" ? Promise.reject(new Error("out of reach")) : new Promise(() => {});
      },
    }),
    mayCall: () => true,
    parallel: 2,
    callTimeoutMs: 30_000,
    now: Date.now,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => 0,
  });
  const add = (waiterId: string) =>
    queue.add(waiterId, {
      delivery: { source: waiterId, topic: "replies", reply: { status: 200, body: new Uint8Array() } },
      giveUpAt: Infinity,
      settle: (verdict) => verdicts.push(`${waiterId} ${verdict}`),
    });
  add("mine");
  await vi.advanceTimersByTimeAsync(2 * minuteMs);
  stays = "hanging";
  await vi.advanceTimersByTimeAsync(10_000);
  add("other");
  await vi.advanceTimersByTimeAsync(10_000);
  stays = "there";
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(verdicts).toEqual(["other accepted", "mine accepted"]);
});

describe("the backlog", () => {
  test("counts pursued replies apart, as long as there is room for them, and what is beyond as before", () => {
    const backlog = new Backlog();
    const entries = Array.from({ length: 13 }, () => backlog.enter(mebi));
    expect(backlog.isFull).toBe(true);
    expect(entries.map(({ pursue }) => pursue())).toEqual([
      ...Array<boolean>(8).fill(true),
      ...Array<boolean>(5).fill(false),
    ]);
    expect([backlog.size, backlog.isFull]).toEqual([13, true]);
    // One verdict of the pursued makes room for one more of them.
    entries[0]?.settle();
    expect(entries[1]?.pursue()).toBe(false);
    expect([entries[8]?.pursue(), entries[9]?.pursue()]).toEqual([true, false]);
    expect([backlog.size, backlog.isFull]).toEqual([12, false]);
    for (const { settle } of entries.slice(1)) settle();
    expect([backlog.size, backlog.isFull]).toEqual([0, false]);
  });

  test("pursues no more than 1,000 at a time, however small they are", () => {
    const backlog = new Backlog();
    const pursued = Array.from({ length: 6_001 }, () => backlog.enter(1).pursue());
    expect(pursued.filter((isPursued) => isPursued)).toHaveLength(1_000);
    expect(backlog.isFull).toBe(true);
  });
});
