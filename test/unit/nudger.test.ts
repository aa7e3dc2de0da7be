// How often an isolate asks the drain to stay awake.

import { expect, test, vi } from "vitest";
import { assignmentOf } from "../../consumer/assignment.ts";
import { Nudger } from "../../worker/nudger.ts";

const assignment = assignmentOf({
  services: [{ replyTopic: "replies", replyPartitions: 1, timeoutMs: 1_000 }],
  workersPlan: "free",
});
const quick = (now: number) => ({ waitsLong: false, now });

test("a drain that has promised to stay awake is not asked again for a deadline it covers", async () => {
  const nudge = vi.fn(async () => 50_000);
  const nudger = new Nudger(assignment);
  for (const deadlineAt of [10_000, 49_999, 50_000])
    await nudger.nudge(() => ({ nudge }), deadlineAt, quick(0));
  expect(nudge).toHaveBeenCalledTimes(1);
  await nudger.nudge(() => ({ nudge }), 50_001, quick(0));
  expect(nudge).toHaveBeenCalledTimes(2);
});

test("a nudge that fails is not remembered", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const nudge = vi.fn().mockRejectedValueOnce(new Error("reset")).mockResolvedValue(50_000);
  const nudger = new Nudger(assignment);
  await nudger.nudge(() => ({ nudge }), 10_000, quick(0));
  await nudger.nudge(() => ({ nudge }), 10_000, quick(0));
  expect(nudge).toHaveBeenCalledTimes(2);
  expect(warn).toHaveBeenCalledOnce();
});

test("requests that wait long ask again, but not more than once a second between them", async () => {
  const nudge = vi.fn(async () => 50_000);
  const nudger = new Nudger(assignment);
  const long = (now: number) => nudger.nudge(() => ({ nudge }), 10_000, { waitsLong: true, now });
  for (const now of [5_000, 5_100, 5_999]) await long(now);
  expect(nudge).toHaveBeenCalledTimes(1);
  await long(6_000);
  expect(nudge).toHaveBeenCalledTimes(2);
});
