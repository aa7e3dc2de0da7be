// The decisions about a callback, with literal instants. The runtime tests show that the object follows them.

import { describe, expect, test } from "vitest";
import {
  attemptTimeoutMs,
  begin,
  fateOf,
  follow,
  nextCallbackAt,
  postpone,
  settle,
  type AttemptResult,
  type Callback,
} from "../../durable/callback.ts";
import { retryAfterIn } from "../../durable/callback-sender.ts";
import type { Exchange } from "../../durable/exchange.ts";

const hours = 3_600_000;
const waiting: Exchange = {
  service: "shop",
  principal: "",
  replyTopic: "replies",
  fingerprint: "a digest",
  createdAt: 1_000,
  deadlineAt: 11_000,
  keepUntil: 24 * hours,
  attempt: 1_000,
  opener: "first",
  confirmBy: undefined,
  mayBeWritten: true,
  callback: { url: "https://hooks.example.com/", secret: "SECRET", correlationId: "abc", withReply: true },
};
const { callback: _, ...unasked } = waiting;
const replied: Exchange = { ...waiting, end: { status: "replied", source: "replies/0/1", late: false } };
const cancelled: Exchange = { ...waiting, end: { status: "cancelled" } };

function some(callback: Callback | undefined): Callback {
  if (callback === undefined) throw new Error("nothing is to be told");
  return callback;
}
const answered = (code: number, retryAfterMs?: number): AttemptResult => ({
  status: "answered",
  code,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const raised = some(follow(undefined, replied, 5_000));
const trying = some(begin(raised, replied, 5_000));

describe("what is to be told", () => {
  test("nothing, where nobody asked", () => {
    const ended: Exchange = { ...unasked, end: { status: "cancelled" } };
    for (const exchange of [unasked, ended]) {
      expect(follow(undefined, exchange, 20_000)).toBeUndefined();
      expect(nextCallbackAt(undefined, exchange)).toBeUndefined();
      expect(fateOf(undefined, exchange)).toBeUndefined();
    }
  });

  test("nothing before the deadline, while there is no end", () => {
    expect(follow(undefined, waiting, 10_999)).toBeUndefined();
    expect(nextCallbackAt(undefined, waiting)).toBe(11_000);
    expect(fateOf(undefined, waiting)).toEqual({ status: "waiting", attempts: 0 });
  });

  test("each end, at once, under an ID of its own without a full stop", () => {
    const refused: Exchange = { ...waiting, end: { status: "refused", retryAfter: 7 } };
    const ends = [replied, cancelled, refused].map((exchange) => some(follow(undefined, exchange, 5_000)));
    expect(ends.map(({ outcome }) => outcome)).toEqual(["replied", "cancelled", "refused"]);
    for (const end of ends) {
      expect(end).toMatchObject({ status: "pending", attempts: 0, nextAt: 5_000, at: 5_000 });
      expect(end.id).not.toContain(".");
    }
    expect(new Set(ends.map(({ id }) => id)).size).toBe(3);
  });

  test("that it has expired, as of its deadline, however late the alarm is", () => {
    expect(follow(undefined, waiting, 15_000)).toMatchObject({
      outcome: "expired",
      at: 11_000,
      nextAt: 15_000,
    });
  });

  test("the same end once: what is told is not told anew", () => {
    for (const status of ["pending", "trying", "delivered", "given-up"] as const) {
      const callback = { ...raised, status };
      expect(follow(callback, replied, 9_000)).toBe(callback);
    }
  });

  test("a reply after the expiry, in place of it, whether or not that was told", () => {
    const expired = some(follow(undefined, waiting, 11_000));
    const late: Exchange = { ...waiting, end: { status: "replied", source: "replies/0/1", late: true } };
    for (const before of [expired, { ...expired, status: "delivered", attempts: 3 } as const]) {
      const next = some(follow(before, late, 12_000));
      expect(next).toMatchObject({ outcome: "replied", status: "pending", attempts: 0, at: 12_000 });
      expect(next.id).not.toBe(expired.id);
    }
  });

  test("nothing of an attempt that was opened anew, until that ends", () => {
    const expired = some(follow(undefined, waiting, 11_000));
    const reopened: Exchange = { ...waiting, attempt: 12_000, createdAt: 12_000, deadlineAt: 22_000 };
    expect(follow(expired, reopened, 12_000)).toBeUndefined();
    expect(nextCallbackAt(expired, reopened)).toBe(22_000);
    const again = some(follow(expired, reopened, 22_000));
    expect(again.outcome).toBe("expired");
    expect(again.id).not.toBe(expired.id);
  });

  test("an end that a version without callbacks has stored, as soon as it is seen", () => {
    expect(nextCallbackAt(undefined, replied)).toBeLessThan(5_000);
    expect(nextCallbackAt(undefined, replied)).toBeGreaterThan(0);
  });
});

describe("attempts", () => {
  test("begin when they are due, and are counted before they begin", () => {
    expect(begin({ ...raised, nextAt: 6_000 }, replied, 5_999)).toBeUndefined();
    expect(begin({ ...raised, nextAt: 6_000 }, replied, 6_000)).toMatchObject({
      status: "trying",
      attempts: 1,
    });
    for (const status of ["delivered", "given-up"] as const) {
      const { nextAt: __, ...done } = raised;
      expect(begin({ ...done, status }, replied, 99_000)).toBeUndefined();
    }
  });

  test("never begin after retention", () => {
    expect(begin(raised, replied, 24 * hours)).toBeUndefined();
  });

  test("that nobody speaks of any more are lost, after longer than one can take, and the next one begins", () => {
    const lostAt = trying.nextAt ?? 0;
    expect(lostAt).toBeGreaterThan(5_000 + attemptTimeoutMs);
    expect(begin(trying, replied, lostAt - 1)).toBeUndefined();
    expect(begin(trying, replied, lostAt)).toMatchObject({ status: "trying", attempts: 2, last: "lost" });
  });

  test("for which there is no room come a little later, and do not count", () => {
    expect(postpone(raised, 5_000, 0)).toEqual({ ...raised, nextAt: 6_000 });
    expect(postpone(raised, 5_000, 0.999)).toEqual({ ...raised, nextAt: 6_999 });
  });

  test.each([200, 201, 202, 204, 299])("answered with %i are the last ones: delivered", (code) => {
    const settled = settle(trying, replied, answered(code), 5_100, 0);
    expect(settled).toMatchObject({ status: "delivered", attempts: 1, last: String(code) });
    expect(nextCallbackAt(settled, replied)).toBeUndefined();
  });

  test("answered with 410 are the last ones: given up", () => {
    const settled = settle(trying, replied, answered(410), 5_100, 0);
    expect(settled).toMatchObject({ status: "given-up", last: "410" });
    expect(nextCallbackAt(settled, replied)).toBeUndefined();
  });

  test.each<[string, AttemptResult]>([
    ["300", answered(300)],
    ["302", answered(302)],
    ["307", answered(307)],
    ["400", answered(400)],
    ["404", answered(404)],
    ["429", answered(429)],
    ["500", answered(500)],
    ["503", answered(503)],
    ["timeout", { status: "failed", why: "timeout" }],
    ["unreachable", { status: "failed", why: "unreachable" }],
    ["unsigned", { status: "failed", why: "unsigned" }],
  ])("that end in %s are repeated", (last, result) => {
    expect(settle(trying, replied, result, 5_100, 0)).toMatchObject({
      id: trying.id,
      status: "pending",
      last,
      nextAt: 6_100,
    });
  });

  test("come ever less often, at most every six hours", () => {
    const pauses = Array.from({ length: 10 }, (__, at) => {
      const { nextAt = 0 } = settle({ ...trying, attempts: at + 1 }, replied, answered(500), 0, 0);
      return nextAt / 1_000;
    });
    expect(pauses).toEqual([1, 5, 30, 120, 600, 3_600, 10_800, 21_600, 21_600, 21_600]);
  });

  test("come up to a quarter earlier, at random", () => {
    const { nextAt } = settle({ ...trying, attempts: 3 }, replied, answered(500), 0, 0.999_99);
    expect(nextAt).toBeGreaterThanOrEqual(22_500);
    expect(nextAt).toBeLessThan(22_510);
  });

  test("come as late as the receiver wishes, at most an hour, and never earlier for it", () => {
    const after = (retryAfterMs: number) =>
      settle(trying, replied, answered(503, retryAfterMs), 5_000, 0).nextAt;
    expect([after(0), after(90_000), after(90 * hours)]).toEqual([6_000, 95_000, 5_000 + hours]);
  });

  test("that would come after retention are given up", () => {
    const short = { ...replied, keepUntil: 6_100 };
    expect(settle(trying, short, answered(500), 5_100, 0)).toMatchObject({ status: "given-up", last: "500" });
    expect(settle(trying, { ...short, keepUntil: 6_101 }, answered(500), 5_100, 0).status).toBe("pending");
  });
});

test("what is said of it", () => {
  const failed = settle(trying, replied, answered(500), 5_100, 0);
  expect([raised, trying, failed].map((callback) => fateOf(callback, replied))).toEqual([
    { status: "pending", attempts: 0, nextAt: 5_000 },
    { status: "pending", attempts: 1 },
    { status: "pending", attempts: 1, last: "500", nextAt: 6_100 },
  ]);
  const delivered = settle(trying, replied, answered(204), 5_100, 0);
  expect(fateOf(delivered, replied)).toEqual({ status: "delivered", attempts: 1, last: "204" });
});

test("what an earlier end has come to is not said of a later one", () => {
  const deadlineAt = waiting.deadlineAt;
  const expired = some(follow(undefined, waiting, deadlineAt));
  const told = settle(some(begin(expired, waiting, deadlineAt)), waiting, answered(204), deadlineAt + 100, 0);
  expect(fateOf(told, waiting)).toMatchObject({ status: "delivered" });
  // A late reply, stored by a version that knows no callbacks; and another attempt under the same key.
  expect(fateOf(told, replied)).toEqual({ status: "pending", attempts: 0 });
  expect(fateOf(told, { ...waiting, attempt: waiting.attempt + 1 })).toEqual({
    status: "waiting",
    attempts: 0,
  });
});

test("a wish of the receiver is a number of seconds or a date, and else nothing", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const read = (header: string | null) => retryAfterIn(header, now);
  expect(read("120")).toBe(120_000);
  expect(read("Sat, 21 Nov 2026 12:01:30 GMT")).toBe(90_000);
  expect(read("Sat, 21 Nov 2026 11:00:00 GMT")).toBe(0);
  for (const none of [null, "", "-1", "1.5", "soon", "1e3", "9".repeat(20), "2026-11-21"]) {
    expect(read(none)).toBeUndefined();
  }
});
