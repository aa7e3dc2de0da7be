// What the kit decides without Kafka: how far a partition is done, who may run, when an answer is out.

import { describe, expect, test } from "vitest";
import type { CommittedOffset } from "../../kafka/log/index.ts";
import type { KafkaRecord } from "../../protocol/index.ts";
import { createCommits } from "../../responder/commits.ts";
import { createExchange, type ReplyPart } from "../../responder/exchange.ts";
import { createLanes } from "../../responder/lanes.ts";
import { createPartitionCounts } from "../../responder/partition-counts.ts";
import { Progress } from "../../responder/progress.ts";
import { send } from "../../responder/sender.ts";

const recordAt = (offset: number): KafkaRecord => ({
  topic: "t",
  partition: 0,
  offset,
  timestamp: offset,
  key: null,
  value: null,
  headers: [],
});

describe("progress", () => {
  const taken = (...offsets: number[]) => {
    const progress = new Progress();
    for (const offset of offsets) expect(progress.take(offset, offset)).toBe(true);
    return progress;
  };

  test("stands at the first record that is not finished, whatever is finished behind it", () => {
    const progress = taken(5, 6, 9);
    progress.finish(9, 9);
    progress.finish(6, 6);
    expect(progress.uncommitted()).toBe(5);
    progress.finish(5, 5);
    expect(progress.uncommitted()).toBe(10);
    progress.commit(10);
    expect([progress.uncommitted(), progress.ahead]).toEqual([undefined, 0]);
  });

  test("knows again in the next tenure what is under way or done, and commits neither past what is under way", () => {
    const progress = taken(0, 1, 2);
    progress.finish(1, 1);
    progress.reassign();
    expect(progress.uncommitted()).toBeUndefined();
    expect([0, 1, 2, 3].map((offset) => progress.take(offset, offset))).toEqual([false, false, false, true]);
    for (const offset of [2, 3]) progress.finish(offset, offset);
    expect(progress.position()).toBe(0);
    progress.finish(0, 0);
    expect(progress.uncommitted()).toBe(4);
  });

  test("does not go back to what it held when somebody else has gone on meanwhile", () => {
    const progress = taken(0, 1);
    progress.finish(1, 1);
    progress.reassign();
    expect(progress.take(111, 111)).toBe(true);
    progress.finish(0, 0);
    expect(progress.uncommitted()).toBe(111);
  });

  test("starts over when offsets begin anew: the topic was created again", () => {
    const progress = taken(1_000, 1_001);
    expect(progress.take(0, 7)).toBe(true);
    progress.finish(1_000, 1_000);
    progress.finish(0, 7);
    expect(progress.uncommitted()).toBe(1);
  });
});

describe("commits", () => {
  test("that fail are tried again, and what is finished meanwhile goes with them", async () => {
    const committed: (readonly CommittedOffset[])[] = [];
    let fail = true;
    const commits = createCommits(
      async (offsets) => {
        committed.push(offsets);
        return !fail;
      },
      () => {},
    );
    for (const offset of [0, 1]) commits.take(recordAt(offset));
    commits.finish(recordAt(0));
    await expect.poll(() => committed.length).toBeGreaterThan(0);
    commits.finish(recordAt(1));
    await expect.poll(() => committed.at(-1)?.[0]?.offset).toBe(2);
    fail = false;
    await expect.poll(() => commits.uncommitted()).toEqual([]);
    await commits.close();
  });

  test("too far behind what is read stop the reading, and say at which request", async () => {
    const stalls: CommittedOffset[] = [];
    const commits = createCommits(
      async () => true,
      (place) => stalls.push(place),
    );
    for (let offset = 0; offset < 10_000; offset++) commits.take(recordAt(offset));
    for (let offset = 1; offset < 10_000; offset++) commits.finish(recordAt(offset));
    let hasRoom = false;
    const room = commits.room().then(() => (hasRoom = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([hasRoom, stalls]).toEqual([false, [{ topic: "t", partition: 0, offset: 0 }]]);
    commits.finish(recordAt(0));
    await room;
    await commits.close();
  });
});

test("lanes never run more than their limit, however room and keys become free", async () => {
  const lanes = createLanes(2, "key");
  let active = 0;
  let most = 0;
  for (let n = 0; n < 200; n++) {
    await lanes.reserve();
    lanes.start(`key-${n % 3}`, async () => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setImmediate(resolve));
      active--;
    });
  }
  await lanes.idle();
  expect([most, active, lanes.queued]).toEqual([2, 0, 0]);
});

describe("an exchange", () => {
  const open = (deliver: () => Promise<void>) => {
    const sent: ReplyPart[] = [];
    const misuses: unknown[] = [];
    const exchange = createExchange(
      { deadlineAt: undefined, endsAt: undefined },
      [],
      async (part) => {
        await deliver();
        sent.push(part);
        return { status: "appended" };
      },
      { now: Date.now, onMisuse: (cause) => misuses.push(cause) },
    );
    return { exchange, sent, misuses };
  };

  test("is not finished before Kafka has an answer that the handler did not wait for", async () => {
    const gate = Promise.withResolvers<void>();
    const { exchange, sent } = open(() => gate.promise);
    void exchange.context.reply({ body: "x" });
    let isFinished = false;
    const finishing = exchange.finish(undefined).then(() => (isFinished = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isFinished, sent]).toEqual([false, []]);
    gate.resolve();
    await finishing;
    expect(sent).toHaveLength(1);
  });

  test("tells of an answer after the handler has returned, and lets nobody fall over it", async () => {
    const { exchange, misuses } = open(async () => {});
    await exchange.finish({ body: "x" });
    exchange.close();
    void exchange.context.write("late");
    void exchange.context.reply({ status: 99 });
    await expect.poll(() => misuses).toEqual([expect.any(TypeError), expect.any(TypeError)]);
  });
});

test("what Kafka cannot take for now is sent until its time is up, and not longer", async () => {
  let now = 0;
  let attempts = 0;
  const sent = await send(
    {
      produce: async () => {
        attempts++;
        now += 400;
        return { status: "refused", why: "unavailable", reason: "no leader" };
      },
      onRetry: () => {},
      now: () => now,
      signal: new AbortController().signal,
    },
    { topic: "r", key: null, value: null, headers: [] },
    1_000,
  );
  expect([sent.status, attempts]).toEqual(["unsent", 3]);
});

test("a fresh partition count is asked for after the question, and once for all who ask meanwhile", async () => {
  const asked: PromiseWithResolvers<number>[] = [];
  const counts = createPartitionCounts(() => {
    const answer = Promise.withResolvers<number>();
    asked.push(answer);
    return answer.promise;
  });
  const first = counts.fresh("t");
  const later = [counts.fresh("t"), counts.fresh("t"), counts.fresh("t")];
  expect(asked).toHaveLength(1);
  asked[0]?.resolve(1);
  expect(await first).toBe(1);
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
});
