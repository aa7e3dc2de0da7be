// The waiter's decisions, with literal instants. The runtime tests show that the object follows them.

import { expect, test } from "vitest";
import { HeldBudget } from "../../durable/held-budget.ts";
import {
  attach,
  deliver,
  expire,
  holdReplyMs,
  idle,
  leave,
  nextExpiry,
  type Delivery,
  type WaiterState,
} from "../../durable/waiter-state.ts";

const spec = { deadlineAt: 5_000, replyTopic: "replies" };
const reply: Delivery = {
  source: "replies/0/1",
  topic: "replies",
  reply: { status: 200, body: new Uint8Array(3) },
};
const open: WaiterState = { phase: "open", spec };
const attached = { attached: true, mayHold: true, mayKeep: true };
const alone = { attached: false, mayHold: true, mayKeep: true };
const noRoom = { attached: false, mayHold: false, mayKeep: false };

test("a delivery one millisecond before the deadline is accepted, at the deadline it is late", () => {
  expect(deliver(open, reply, 4_999, attached).said).toBe("accepted");
  const atDeadline = deliver(open, reply, 5_000, attached);
  expect(atDeadline.said).toBe("late");
  expect(atDeadline.release).toEqual({ status: "expired", deadlineAt: 5_000 });
});

test("a reply that cannot be held within the byte budget is late", () => {
  expect(deliver(idle, reply, 0, noRoom)).toMatchObject({
    state: idle,
    said: "late",
  });
  expect(deliver(open, reply, 0, noRoom).said).toBe("late");
});

test("a held reply is forgotten after ten seconds, or at the deadline when that comes first", () => {
  const held = deliver(idle, reply, 1_000, alone).state;
  expect(nextExpiry(held)).toBe(1_000 + holdReplyMs);
  expect(expire(held, 1_000 + holdReplyMs).state).toEqual(idle);
  const heldOfOpen = deliver(open, reply, 1_000, alone).state;
  expect(nextExpiry(heldOfOpen)).toBe(5_000);
  expect(expire(heldOfOpen, 5_000).state.phase).toBe("ended");
});

test("a held reply from another topic than the caller asks on is not handed to it", () => {
  const held = deliver(idle, { ...reply, topic: "other" }, 0, alone).state;
  expect(attach(held, spec, 1)).toMatchObject({ state: { phase: "open" }, said: { status: "waiting" } });
});

test("a held reply is not handed out at or after the deadline", () => {
  const held = deliver(idle, reply, 4_000, alone).state;
  expect(attach(held, spec, 5_000).said).toEqual({ status: "expired", deadlineAt: 5_000 });
});

test("a second reply while the first is held is a duplicate; the same record again is still held", () => {
  const held = deliver(idle, reply, 0, alone).state;
  expect(deliver(held, { ...reply, source: "replies/0/2" }, 1, alone).said).toBe("duplicate");
  expect(deliver(held, reply, 1, alone).said).toBe("held");
});

test("time changes nothing before it is due", () => {
  expect(expire(open, 4_999)).toEqual({ state: open, said: undefined });
  expect(expire(idle, 9_999).state).toBe(idle);
});

test("leaving an exchange that is over, or never began, changes nothing", () => {
  expect(leave(idle).state).toBe(idle);
  const ended: WaiterState = { phase: "ended", spec: { deadlineAt: 1, replyTopic: "replies" } };
  expect(leave(ended).state).toBe(ended);
});

test("the budget for held replies frees the room of holders that were reset, once their time is over", () => {
  const budget = new HeldBudget(100);
  const reset = {};
  budget.book(reset, 80, 10_000);
  expect(budget.hasRoomFor(30, 9_999)).toBe(false);
  expect(budget.hasRoomFor(30, 10_000)).toBe(true);
});

test("the budget for held replies gets back what a holder gives up", () => {
  const budget = new HeldBudget(100);
  const holder = {};
  budget.book(holder, 80, 10_000);
  budget.book(holder, 0, 0);
  expect(budget.hasRoomFor(100, 0)).toBe(true);
});

test("a reply from a stray topic that came first does not stand in the way of the right one", () => {
  const stray = { ...reply, source: "other/0/1", topic: "other" };
  const held = deliver(idle, stray, 0, alone).state;
  const both = deliver(held, reply, 1, alone);
  expect(both.said).toBe("held");
  expect(attach(both.state, spec, 2).said).toEqual({ status: "replied", reply: reply.reply });
});

test("a caller that lost the answer on the way gets it again until the deadline, as far as there was room to keep it", () => {
  const answered = deliver(open, reply, 1_000, attached).state;
  expect(attach(answered, spec, 2_000).said).toEqual({ status: "replied", reply: reply.reply });
  expect(attach(answered, spec, 5_000).said).toMatchObject({ status: "expired" });
  const notKept = deliver(open, reply, 1_000, { ...attached, mayKeep: false }).state;
  expect(attach(notKept, spec, 2_000).said).toMatchObject({ status: "expired" });
});
