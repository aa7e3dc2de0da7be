// How often an isolate asks the drain to stay awake, and to keep partitions in mind.

import { expect, test, vi } from "vitest";
import { accept, assignmentOf, noDuties, promisedUntil } from "../../consumer/assignment.ts";
import type { ReplyDrainRpc } from "../../consumer/library.ts";
import { Nudger } from "../../worker/exchange/nudger.ts";

const assignment = assignmentOf({
  services: [{ replyTopic: "replies", replyPartitions: 1, timeoutMs: 1_000 }],
  workersPlan: "free",
});
/** A plain request: nobody has a use for its reply after its deadline. */
const plain = (deadlineAt: number, { now = 0, waitsLong = false } = {}) => ({
  awakeUntil: deadlineAt,
  neededUntil: deadlineAt,
  waitsLong,
  now,
});

test("a drain that has promised to stay awake is not asked again for a deadline it covers", async () => {
  const nudge = vi.fn(async () => 50_000);
  const nudger = new Nudger(assignment);
  for (const deadlineAt of [10_000, 49_999, 50_000]) await nudger.nudge(() => ({ nudge }), plain(deadlineAt));
  expect(nudge).toHaveBeenCalledTimes(1);
  await nudger.nudge(() => ({ nudge }), plain(50_001));
  expect(nudge).toHaveBeenCalledTimes(2);
});

test("a nudge that fails is not remembered", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const nudge = vi.fn().mockRejectedValueOnce(new Error("reset")).mockResolvedValue(50_000);
  const nudger = new Nudger(assignment);
  await nudger.nudge(() => ({ nudge }), plain(10_000));
  await nudger.nudge(() => ({ nudge }), plain(10_000));
  expect(nudge).toHaveBeenCalledTimes(2);
  expect(warn).toHaveBeenCalledOnce();
});

test("requests that wait long ask again, but not more than once a second between them", async () => {
  const nudge = vi.fn(async () => 50_000);
  const nudger = new Nudger(assignment);
  const long = (now: number) => nudger.nudge(() => ({ nudge }), plain(10_000, { waitsLong: true, now }));
  for (const now of [5_000, 5_100, 5_999]) await long(now);
  expect(nudge).toHaveBeenCalledTimes(1);
  await long(6_000);
  expect(nudge).toHaveBeenCalledTimes(2);
});

test("a nudge that repeats what is stored says the same instant as before, and so stores nothing new", async () => {
  let duties = noDuties;
  const stored: unknown[] = [];
  const nudge = async (...[assigned, awakeUntil, neededUntil]: Parameters<ReplyDrainRpc["nudge"]>) => {
    duties = accept(duties, assigned, awakeUntil, neededUntil);
    stored.push(duties);
    return promisedUntil(duties, assigned);
  };
  const nudger = new Nudger(assignment);
  for (const now of [0, 1_000, 2_000])
    await nudger.nudge(() => ({ nudge }), plain(now + 10_000, { waitsLong: true, now }));
  expect(stored).toHaveLength(3);
  expect(new Set(stored).size).toBe(1);
});

test("replies that are needed for hours are asked for once a minute, and keep the drain awake no longer for it", async () => {
  const hourMs = 3_600_000;
  const nudge = vi.fn(async (_: unknown, awakeUntil: number) => awakeUntil + 30_000);
  const nudger = new Nudger(assignment);
  const asynchronous = (now: number) =>
    nudger.nudge(() => ({ nudge }), {
      awakeUntil: now,
      neededUntil: now + hourMs,
      waitsLong: false,
      now,
    });
  for (const now of [0, 10_000, 30_000]) await asynchronous(now);
  expect(nudge.mock.calls).toEqual([[assignment, 0, hourMs + 60_000]]);
  // Awake no longer, but what is needed is stored.
  await asynchronous(30_001);
  expect(nudge.mock.lastCall).toEqual([assignment, 30_001, hourMs + 60_000]);
  await asynchronous(60_001);
  expect(nudge.mock.lastCall).toEqual([assignment, 60_001, 60_001 + hourMs + 60_000]);
  // A plain request wants less than is stored.
  await nudger.nudge(() => ({ nudge }), plain(80_000, { now: 70_000 }));
  expect(nudge).toHaveBeenCalledTimes(3);
});
