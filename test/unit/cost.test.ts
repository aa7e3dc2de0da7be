// What the cost model says of the drain and of nudges, against the code that does it.

import { expect, test, vi } from "vitest";
import { drainFacts } from "../../dev/cost/model.ts";
import { accept, assignmentOf, awakeSlackMs, noDuties, promisedUntil } from "../../consumer/assignment.ts";
import type { ReplyDrainRpc } from "../../consumer/library.ts";
import { RunBudget } from "../../consumer/run-budget.ts";
import { Nudger } from "../../worker/exchange/nudger.ts";

const assignment = assignmentOf({
  services: [{ replyTopic: "replies", replyPartitions: 1, timeoutMs: 10_000 }],
  workersPlan: "paid",
});

test("a run of the drain is as long, and does as much, as the cost model says", () => {
  const { runSeconds, deliveriesARun, kafkaCallsARun, awakeSlackSeconds } = drainFacts;
  const { external, internal } = assignment.subrequests;
  expect([external, internal]).toEqual([kafkaCallsARun, deliveriesARun]);
  const budget = new RunBudget(assignment.subrequests, 0);
  expect(budget.isSpent(runSeconds * 1_000 - 1)).toBe(false);
  expect(budget.isSpent(runSeconds * 1_000)).toBe(true);
  expect(awakeSlackMs).toBe(awakeSlackSeconds * 1_000);
});

test.each([
  { what: "no request waits long", waitsLong: false, aSecond: drainFacts.nudgesASecond },
  { what: "requests wait long", waitsLong: true, aSecond: drainFacts.nudgesASecondOfLongWaits },
])("an isolate nudges as often as the cost model says when $what", async ({ waitsLong, aSecond }) => {
  const nudger = new Nudger(assignment);
  let duties = noDuties;
  let stored = 0;
  const nudge = vi.fn<ReplyDrainRpc["nudge"]>(async (asked, awakeUntil, neededUntil) => {
    const next = accept(duties, asked, awakeUntil, neededUntil);
    if (next !== duties) stored++;
    duties = next;
    return promisedUntil(duties, asked);
  });
  const seconds = 600;
  for (let now = 0; now < seconds * 1_000; now += 50) {
    const deadlineAt = now + 10_000;
    await nudger.nudge(() => ({ nudge }), {
      awakeUntil: deadlineAt,
      neededUntil: deadlineAt,
      waitsLong,
      now,
    });
  }
  expect(nudge.mock.calls.length / seconds).toBeCloseTo(aSecond, 1);
  expect(stored / seconds).toBeCloseTo(drainFacts.nudgesASecond, 2);
});
