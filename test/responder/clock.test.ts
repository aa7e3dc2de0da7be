// What the kit makes of instants that another clock has stamped, and when it says that the two differ.

import { describe, expect, test } from "vitest";
import { ClockWatch, endOfHandling } from "../../responder/clock.ts";

describe("a handler", () => {
  const request = { createdAt: 100_000, deadlineAt: 103_000 };
  /** When it ends by the gateway's clock, if this clock is ahead by so many ms and the request waited so long. */
  const endsAt = (aheadMs: number, waitedMs: number) =>
    (endOfHandling(request, request.createdAt + waitedMs + aheadMs, 5_000) ?? NaN) - aheadMs;

  test.each([-60_000, -5_000, -1, 0, 1, 5_000])(
    "has its time by a clock that is %i ms ahead, and no more than the wait of its request besides",
    (aheadMs) => {
      expect(endsAt(aheadMs, 0)).toBe(request.deadlineAt);
      expect(endsAt(aheadMs, 20)).toBe(request.deadlineAt + (aheadMs === 5_000 ? 0 : 20));
    },
  );

  test("whose request waited long ends with the allowance behind its deadline at the latest", () => {
    expect(endsAt(0, 4_000)).toBe(request.deadlineAt + 4_000);
    expect(endsAt(0, 60_000)).toBe(request.deadlineAt + 5_000);
  });

  test("of a request that does not say when it was created ends at its deadline, and without one never", () => {
    const { deadlineAt, createdAt } = request;
    expect(endOfHandling({ deadlineAt }, 0, 5_000)).toBe(deadlineAt);
    expect(endOfHandling({ deadlineAt, createdAt: deadlineAt + 1 }, 0, 5_000)).toBe(deadlineAt);
    expect(endOfHandling({ createdAt }, 0, 5_000)).toBeUndefined();
  });
});

describe("the watch over the clock", () => {
  const watch = () => {
    const said: string[] = [];
    return { said, clock: new ClockWatch((message) => said.push(message)) };
  };

  test("tells of requests from the future once a minute, and not of a second's difference", () => {
    const { said, clock } = watch();
    clock.read({}, 0);
    clock.read({ createdAt: 1_000 }, 0);
    expect(said).toEqual([]);
    clock.read({ createdAt: 5_000 }, 0);
    clock.read({ createdAt: 64_999 }, 59_999);
    expect(said).toEqual([
      expect.stringMatching(/^requests come from 5000 ms in the future: this clock is behind/),
    ]);
    clock.read({ createdAt: 65_000 }, 60_000);
    expect(said).toHaveLength(2);
  });

  test("tells when everything had expired for 10 s, and by how much at least; one that is taken up begins it anew", () => {
    const { said, clock } = watch();
    for (const at of [0, 4_000, 9_999]) clock.skipped(3_000 + at, at);
    expect(said).toEqual([]);
    clock.skipped(2_500, 10_000);
    clock.skipped(2_500, 10_001);
    expect(said).toEqual([
      "all 4 requests of the last 10 s had expired, 2500 ms ago or more: " +
        "they come too late, or this clock is ahead of that of whoever asks",
    ]);
    clock.taken();
    for (const at of [80_000, 89_000, 89_999]) clock.skipped(1, at);
    expect(said).toHaveLength(1);
    clock.skipped(1, 90_000);
    expect(said).toHaveLength(2);
  });

  test("tells nothing of a straggler or two", () => {
    const { said, clock } = watch();
    clock.skipped(1_000, 0);
    clock.skipped(1_000, 50_000);
    expect(said).toEqual([]);
  });
});
