// What follows a delivery that failed: who is tried again, for how long, and who is given up.

import { expect, test } from "vitest";
import {
  afterFailure,
  classifyFailure,
  pursueForMs,
  waitForBusyMs,
  type Pursuit,
} from "../../consumer/redelivery.ts";

const lost = { failures: 9, failingSince: 0, lostSince: 0 };
const busy = { failures: 9, failingSince: 0, lostSince: undefined };

function after(
  pursuit: Pursuit,
  now: number,
  { giveUpAt = Infinity, lastDeliveredAt = 1 }: { giveUpAt?: number; lastDeliveredAt?: number } = {},
) {
  const overloaded = pursuit.lostSince === undefined;
  return afterFailure({ overloaded }, pursuit, { giveUpAt, lastDeliveredAt }, now, 0.99999);
}

test("a waiter that is out of reach is given up after a minute, and a busy one after ten", () => {
  expect(after(lost, pursueForMs - 1).next).toBe("retry");
  expect(after(lost, pursueForMs).next).toBe("give-up");
  expect(after(busy, waitForBusyMs - 1).next).toBe("retry");
  expect(after(busy, waitForBusyMs).next).toBe("give-up");
});

test("one that says now this and now that is given up ten minutes after the first failure", () => {
  const both = { failures: 9, failingSince: 0, lostSince: waitForBusyMs - 1 };
  expect(after(both, waitForBusyMs - 1).next).toBe("retry");
  expect(after(both, waitForBusyMs).next).toBe("give-up");
});

test("nobody is given up while nobody else got through either, however long that is", () => {
  const dayMs = 86_400_000;
  for (const pursuit of [lost, busy]) {
    const never = afterFailure(
      { overloaded: pursuit === busy },
      pursuit,
      { giveUpAt: Infinity, lastDeliveredAt: undefined },
      dayMs,
      0,
    );
    expect(never.next).toBe("retry");
    // Somebody did before, and nobody since.
    expect(after(pursuit, dayMs, { lastDeliveredAt: 0 }).next).toBe("retry");
  }
});

test("nobody is pursued past the time the reply is of use, whoever else got through", () => {
  for (const pursuit of [lost, busy]) {
    const at = (now: number) => after(pursuit, now, { giveUpAt: 10_000, lastDeliveredAt: 0 }).next;
    expect([at(9_999), at(10_000)]).toEqual(["retry", "give-up"]);
  }
});

test("the pauses between the calls to one waiter grow to five seconds", () => {
  const pauses = [1, 2, 7, 100].map((failures) => after({ ...lost, failures }, 0));
  expect(pauses.map((pause) => (pause.next === "retry" ? Math.ceil(pause.inMs) : 0))).toEqual([
    100, 200, 5_000, 5_000,
  ]);
});

test("the platform's mark tells a busy waiter from a lost one", () => {
  expect(classifyFailure(Object.assign(new Error("busy"), { overloaded: true }))).toEqual({
    overloaded: true,
  });
  expect(classifyFailure(undefined)).toEqual({ overloaded: false });
});
