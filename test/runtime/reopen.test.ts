// A durable exchange that is opened again while callers of its last attempt are still parked: its deadline has passed,
// and the alarm that is to tell them so is late.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { Terms } from "../../durable/index.ts";
import { durableWait } from "../../worker/exchange/waiter-port.ts";

afterEach(() => vi.restoreAllMocks());

test("those who are parked are told that their attempt is over, and the alarm does not ring for them again and again", async () => {
  const id = env.WAITER.newUniqueId();
  const waiter = env.WAITER.get(id);
  const openedAt = Date.now();
  const asked = (createdAt: number): Terms => ({
    service: "durable",
    principal: "",
    replyTopic: "durable.replies",
    fingerprint: "the same",
    createdAt,
    deadlineAt: createdAt + 60_000,
    keepUntil: createdAt + 120_000,
  });
  await waiter.open(asked(openedAt), "first");
  const parked = await durableWait(() => env.WAITER.get(id), "").park();

  // The clock jumps: the second caller comes before the alarm.
  const secondAt = openedAt + 60_001;
  vi.spyOn(Date, "now").mockReturnValue(secondAt);
  expect(await waiter.open(asked(secondAt), "second")).toMatchObject({ status: "created" });
  expect(await parked.ended).toEqual({ status: "expired", deadlineAt: openedAt + 60_000 });
  expect(await runInDurableObject(waiter, (_, state) => state.storage.getAlarm())).toBe(secondAt + 120_000);
});
