// The waiter as a real Durable Object: what its callers and the drain are told, and what becomes of it when
// time passes or it is reset. Every test has an object of its own.

import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Delivery } from "../../durable/index.ts";
import { encodeText } from "../../protocol/index.ts";

const topic = "replies";
const newWaiter = () => env.WAITER.get(env.WAITER.newUniqueId());
const inMs = (ms: number) => ({ deadlineAt: Date.now() + ms, replyTopic: topic });

function delivery(text: string, source = "replies/0/1", from = topic): Delivery {
  return { source, topic: from, reply: { status: 200, body: encodeText(text) } };
}

test("[A7, B10] a reply ends the hold of the caller that waits, and nothing is stored", async () => {
  const waiter = newWaiter();
  const wait = waiter.wait(inMs(2_000), 1_500);
  await expect.poll(() => waiter.peek()).toBe("open");
  expect(await waiter.deliver([delivery("hello")])).toEqual(["accepted"]);
  const outcome = await wait;
  expect(outcome).toMatchObject({ status: "replied", reply: { status: 200, body: encodeText("hello") } });
  const stored = await runInDurableObject(waiter, async (_, state) => ({
    rows: [...state.storage.kv.list()].length,
    alarm: await state.storage.getAlarm(),
  }));
  expect(stored).toEqual({ rows: 0, alarm: null });
});

test("a reply that comes before its caller is held, and claimed when the caller attaches", async () => {
  const waiter = newWaiter();
  expect(await waiter.deliver([delivery("early")])).toEqual(["held"]);
  expect(await waiter.wait(inMs(1_000), 1_000)).toMatchObject({ status: "replied" });
});

test("a reply that comes between two holds is held for the next one", async () => {
  const waiter = newWaiter();
  const spec = inMs(5_000);
  expect(await waiter.wait(spec, 20)).toEqual({ status: "waiting" });
  expect(await waiter.deliver([delivery("between")])).toEqual(["held"]);
  expect(await waiter.wait(spec, 20)).toMatchObject({ status: "replied" });
});

test("the first reply wins; a second one is a duplicate, and the same record again is no second one", async () => {
  const waiter = newWaiter();
  const wait = waiter.wait(inMs(2_000), 1_500);
  await expect.poll(() => waiter.peek()).toBe("open");
  expect(await waiter.deliver([delivery("first", "replies/0/1"), delivery("second", "replies/0/2")])).toEqual(
    ["accepted", "duplicate"],
  );
  expect(await waiter.deliver([delivery("first", "replies/0/1")])).toEqual(["accepted"]);
  expect(await wait).toMatchObject({ reply: { body: encodeText("first") } });
});

test("[A12, A15] the object itself ends the wait at its deadline, and a later reply is late", async () => {
  const waiter = newWaiter();
  const spec = inMs(120);
  const outcome = await waiter.wait(spec, 1_500);
  expect(outcome).toEqual({ status: "expired", deadlineAt: spec.deadlineAt });
  expect(Date.now()).toBeGreaterThanOrEqual(spec.deadlineAt);
  expect(await waiter.deliver([delivery("too late")])).toEqual(["late"]);
});

test("[A17] a wait whose Worker is gone ends at its deadline all the same", async () => {
  const waiter = newWaiter();
  const spec = inMs(150);
  expect(await waiter.wait(spec, 10)).toEqual({ status: "waiting" });
  // Nobody attaches any more.
  await expect.poll(() => waiter.peek()).toBe("ended");
  expect(Date.now()).toBeGreaterThanOrEqual(spec.deadlineAt);
});

test("a caller that leaves ends its wait, and a reply after that is late", async () => {
  const waiter = newWaiter();
  const wait = waiter.wait(inMs(2_000), 1_500);
  await expect.poll(() => waiter.peek()).toBe("open");
  await waiter.leave();
  expect(await wait).toEqual({ status: "cancelled" });
  expect(await waiter.deliver([delivery("for nobody")])).toEqual(["late"]);
});

test("a reply from another topic than the one it was opened for is foreign and ends nothing", async () => {
  const waiter = newWaiter();
  const wait = waiter.wait(inMs(2_000), 1_500);
  await expect.poll(() => waiter.peek()).toBe("open");
  expect(await waiter.deliver([delivery("forged", "other/0/1", "other")])).toEqual(["foreign"]);
  expect(await waiter.deliver([delivery("true")])).toEqual(["accepted"]);
  expect(await wait).toMatchObject({ reply: { body: encodeText("true") } });
});

test("a reset of the object fails the hold at once, and the caller can attach again", async () => {
  const id = env.WAITER.newUniqueId();
  const spec = inMs(5_000);
  const wait = env.WAITER.get(id).wait(spec, 1_500);
  const failed = wait.then(
    () => "answered",
    () => "failed",
  );
  await expect.poll(() => env.WAITER.get(id).peek()).toBe("open");
  await abortAllDurableObjects();
  expect(await failed).toBe("failed");
  const again = env.WAITER.get(id).wait(spec, 1_500);
  await expect.poll(() => env.WAITER.get(id).peek()).toBe("open");
  expect(await env.WAITER.get(id).deliver([delivery("after the reset")])).toEqual(["accepted"]);
  expect(await again).toMatchObject({ status: "replied" });
});

test("of two waits on one exchange the first one's deadline stands", async () => {
  const waiter = newWaiter();
  const first = inMs(150);
  expect(await waiter.wait(first, 10)).toEqual({ status: "waiting" });
  const outcome = await waiter.wait(inMs(60_000), 1_500);
  expect(outcome).toEqual({ status: "expired", deadlineAt: first.deadlineAt });
});

test("a wait whose deadline has passed already is expired at once", async () => {
  expect(await newWaiter().wait(inMs(-1), 1_500)).toMatchObject({ status: "expired" });
});
