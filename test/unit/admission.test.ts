// Places and who has them, the group's state and what it means, and how both come together with the breaker in one
// admission.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { KafkaRead } from "../../kafka/index.ts";
import type { GroupState } from "../../protocol/index.ts";
import { Admission, type Asking } from "../../worker/admission/admission.ts";
import { Bulkhead } from "../../worker/admission/capacity.ts";

let warnings: unknown[][];
beforeEach(() => {
  warnings = vi.spyOn(console, "warn").mockImplementation(() => {}).mock.calls;
});
afterEach(() => vi.restoreAllMocks());

describe("places", () => {
  const enter = (places: Bulkhead, caller = "a", now = 0, joins = false) =>
    places.enter(caller, now, { joins });
  const leave = (entering: ReturnType<Bulkhead["enter"]>): void => {
    if (entering.status === "entered") entering.leave();
  };

  test("there are as many as there may be, and one that is given back is there for the next", () => {
    const places = new Bulkhead({ capacity: 2, perCaller: undefined, longestMs: 1_000 });
    const first = enter(places);
    enter(places);
    expect(enter(places).status).toBe("full");
    leave(first);
    // A second time it gives nothing back.
    leave(first);
    expect(places.underWay).toBe(1);
    expect(enter(places).status).toBe("entered");
    expect(enter(places).status).toBe("full");
  });

  test("one caller has no more than its share, and takes none from another", () => {
    const places = new Bulkhead({ capacity: 10, perCaller: 2, longestMs: 1_000 });
    const first = enter(places, "a");
    enter(places, "a");
    expect(enter(places, "a").status).toBe("caller-full");
    expect(enter(places, "a", 0, true).status).toBe("caller-full");
    expect(enter(places, "b").status).toBe("entered");
    leave(first);
    expect(enter(places, "a").status).toBe("entered");
  });

  test("who joins finds a place when all are taken, up to as many again", () => {
    const places = new Bulkhead({ capacity: 2, perCaller: undefined, longestMs: 1_000 });
    enter(places);
    enter(places);
    expect(enter(places, "a", 0, true).status).toBe("entered");
    expect(enter(places, "a", 0, true).status).toBe("entered");
    expect(enter(places, "a", 0, true).status).toBe("full");
    expect(enter(places).status).toBe("full");
  });

  test("who joins takes no place from those who do not", () => {
    const places = new Bulkhead({ capacity: 2, perCaller: undefined, longestMs: 1_000 });
    const joined = [enter(places, "a", 0, true), enter(places, "a", 0, true)];
    expect(places.isFull).toBe(false);
    const asked = enter(places);
    expect([asked.status, enter(places).status, enter(places).status]).toEqual([
      "entered",
      "entered",
      "full",
    ]);
    for (const one of joined) leave(one);
    expect([places.isFull, enter(places).status]).toEqual([true, "full"]);
    leave(asked);
    expect(enter(places).status).toBe("entered");
  });

  test("a place whose request ended without a word is there again when it cannot be under way any more", () => {
    const places = new Bulkhead({ capacity: 1, perCaller: 1, longestMs: 5_000 });
    enter(places, "a", 10_000);
    expect(enter(places, "b", 14_999).status).toBe("full");
    expect(enter(places, "b", 16_000).status).toBe("entered");
    expect(enter(places, "a", 22_000).status).toBe("entered");
    expect(places.underWay).toBe(1);
  });
});

const terms = {
  name: "predict",
  timeoutMs: 2_000,
  capacity: 2,
  capacityPerPrincipal: undefined,
  breaker: { failures: 2, openMs: 10_000, probes: 1 },
  responderGroup: undefined,
};

/** One admission with a clock and a group. */
function admissionWith(own: Partial<ConstructorParameters<typeof Admission>[0]> = {}) {
  const admission = new Admission({ ...terms, ...own });
  const clock = { now: 1_000_000 };
  const background: Promise<unknown>[] = [];
  const looks: string[] = [];
  const bridge: { answer: KafkaRead<GroupState> } = { answer: { status: "unreachable", cause: "down" } };
  const admit = (asking: Partial<Asking> = {}) =>
    admission.admit({
      caller: "a",
      createdAt: clock.now,
      deadlineAt: clock.now + terms.timeoutMs,
      now: () => clock.now,
      look: async (group) => {
        looks.push(group);
        return bridge.answer;
      },
      afterwards: (work) => background.push(work),
      ...asking,
    });
  return {
    clock,
    looks,
    bridge,
    admit,
    report: () => admission.report(clock.now),
    looked: () => Promise.all(background),
    /** A request that waits its whole time in vain. */
    async expire(): Promise<void> {
      const admitted = await admit();
      if (!admitted.admitted) throw new Error(admitted.code);
      clock.now += 2_000;
      admitted.settle({ status: "expired", deadlineAt: clock.now });
    },
  };
}

const found = (members: number, isBehind = false): KafkaRead<GroupState> => ({
  status: "read",
  value: { members, isBehind },
});

describe("admission", () => {
  test("[E41] an open breaker refuses until its next probe, and says in whole seconds when that is", async () => {
    const one = admissionWith();
    await one.expire();
    await one.expire();
    expect(await one.admit()).toEqual({ admitted: false, code: "circuit_open", retryAfter: 10 });
    one.clock.now += 9_500;
    expect(await one.admit()).toMatchObject({ code: "circuit_open", retryAfter: 1 });
    one.clock.now += 500;
    expect(await one.admit()).toMatchObject({ admitted: true });
    expect(await one.admit()).toMatchObject({ code: "circuit_open" });
    expect(one.report()).toMatchObject({
      breaker: { status: "half-open" },
      probes: 1,
      admitted: 3,
      refused: { circuit_open: 3 },
      transitions: { open: 1, "half-open": 1, closed: 0 },
    });
    expect(warnings).toEqual([
      ["hearback: the breaker of predict is open: waits expired"],
      ["hearback: the breaker of predict is half-open: waits expired"],
    ]);
  });

  test("without a breaker nothing opens", async () => {
    const one = admissionWith({ breaker: false });
    for (let times = 0; times < 30; times++) await one.expire();
    expect(await one.admit()).toMatchObject({ admitted: true });
    expect(one.report()).toMatchObject({ breaker: "off" });
  });

  test("a place is given back once, whatever is said twice", async () => {
    const one = admissionWith({ breaker: { ...terms.breaker, failures: 3 } });
    const admitted = await one.admit();
    await one.admit();
    expect(await one.admit()).toEqual({ admitted: false, code: "at_capacity", retryAfter: 1 });
    if (!admitted.admitted) throw new Error("refused");
    one.clock.now += 2_000;
    for (let times = 0; times < 5; times++) admitted.settle({ status: "expired", deadlineAt: 0 });
    expect(one.report()).toMatchObject({ underWay: 1, breaker: { status: "closed" } });
  });

  test("what is refused takes no place", async () => {
    const one = admissionWith();
    await one.expire();
    await one.expire();
    for (let times = 0; times < 5; times++) await one.admit();
    expect(one.report().underWay).toBe(0);
  });

  test("a request with a key is looked for only where it would be refused or would probe", async () => {
    const one = admissionWith();
    let looks = 0;
    const isKept = (kept: boolean) => async () => {
      looks++;
      return kept;
    };
    const free = await one.admit({ isKept: isKept(true) });
    expect(looks).toBe(0);
    if (free.admitted) free.settle();
    await one.expire();
    await one.expire();
    expect(await one.admit({ isKept: isKept(false) })).toMatchObject({ code: "circuit_open" });
    expect(await one.admit({ isKept: isKept(true) })).toMatchObject({ admitted: true });
    expect(looks).toBe(2);
    one.clock.now += 10_000;
    // It is answered from what is there, and the probe is left for one that asks the service.
    expect(await one.admit({ isKept: isKept(true) })).toMatchObject({ admitted: true });
    expect(one.report().probes).toBe(0);
    expect(one.report().underWay).toBe(2);
    // Unless those who join have all their places taken: nobody can be looked for then.
    expect(await one.admit({ isKept: isKept(true) })).toMatchObject({ code: "at_capacity" });
    expect(looks).toBe(3);
    expect(await one.admit()).toMatchObject({ admitted: true });
    expect(one.report().probes).toBe(1);
  });

  test("a caller over its own limit is refused, with a key, too", async () => {
    const one = admissionWith({ capacityPerPrincipal: 1 });
    await one.admit();
    expect(await one.admit()).toEqual({ admitted: false, code: "too_many_waiting", retryAfter: 1 });
    expect(await one.admit({ caller: "b" })).toMatchObject({ admitted: true });
    expect(await one.admit({ isKept: async () => true })).toMatchObject({ code: "too_many_waiting" });
  });
});

describe("responders", () => {
  const withGroup = () => admissionWith({ responderGroup: "models", breaker: false, capacity: 100 });

  test("a group that could never be asked for is told of once, so that the option does not do nothing unseen", async () => {
    const one = withGroup();
    for (let look = 0; look < 3; look++) {
      await one.admit();
      await one.looked();
      one.clock.now += 2_000;
    }
    expect(one.looks).toHaveLength(3);
    expect(warnings).toEqual([[expect.stringContaining("predict: whether its responders are there cannot")]]);
    const answered = withGroup();
    answered.bridge.answer = { status: "read", value: { members: 1, isBehind: false } };
    await answered.admit();
    await answered.looked();
    expect(warnings).toHaveLength(1);
  });

  test("nobody looks where no group is named", async () => {
    const one = admissionWith();
    await one.admit();
    expect(one.looks).toEqual([]);
    expect(one.report()).not.toHaveProperty("responders");
  });

  test("an empty group refuses from the first look on, and its return is seen by the next", async () => {
    const one = withGroup();
    one.bridge.answer = found(0);
    expect(await one.admit()).toMatchObject({ admitted: true });
    await one.looked();
    expect(await one.admit()).toEqual({ admitted: false, code: "no_responder", retryAfter: 2 });
    one.bridge.answer = found(1);
    one.clock.now += 2_000;
    expect(await one.admit()).toMatchObject({ code: "no_responder" });
    await one.looked();
    expect(await one.admit()).toMatchObject({ admitted: true });
    expect(one.report().responders).toBe("there");
    expect(warnings).toHaveLength(2);
  });

  test("it looks no more often than every 2 s, however many ask", async () => {
    const one = withGroup();
    one.bridge.answer = found(1);
    for (let times = 0; times < 50; times++) {
      await one.admit();
      one.clock.now += 100;
    }
    expect(one.looks).toEqual(["models", "models", "models"]);
  });

  test("a bridge that cannot say lets all through, also after one that could", async () => {
    const one = withGroup();
    await one.admit();
    await one.looked();
    expect(await one.admit()).toMatchObject({ admitted: true });
    one.bridge.answer = found(0);
    one.clock.now += 2_000;
    await one.admit();
    await one.looked();
    expect(await one.admit()).toMatchObject({ code: "no_responder" });
    one.bridge.answer = { status: "unreachable", cause: "down" };
    one.clock.now += 2_000;
    await one.admit();
    await one.looked();
    expect(await one.admit()).toMatchObject({ admitted: true });
  });

  test("what was seen 10 s ago is not believed any more", async () => {
    const one = withGroup();
    one.bridge.answer = found(0);
    await one.admit();
    await one.looked();
    one.clock.now += 10_001;
    expect(await one.admit()).toMatchObject({ admitted: true });
  });

  test("to a group that is behind one request is let through per look", async () => {
    const one = withGroup();
    one.bridge.answer = found(2, true);
    await one.admit();
    for (let look = 0; look < 3; look++) {
      await one.looked();
      expect(await one.admit()).toMatchObject({ admitted: true });
      expect(await one.admit()).toMatchObject({ code: "no_responder" });
      one.clock.now += 2_000;
      expect(await one.admit()).toMatchObject({ code: "no_responder" });
    }
  });
});
