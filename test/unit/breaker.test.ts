// The circuit breaker as a machine: what opens it, who may probe, what closes it, and what it never does in any order
// of events.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DurableOutcome } from "../../worker/exchange/durable-exchange.ts";
import {
  ask,
  newBreaker,
  settle,
  type BreakerRules,
  type BreakerState,
  type Sign,
  type Ticket,
} from "../../worker/admission/breaker.ts";
import { signOf } from "../../worker/admission/sign.ts";

const rules: BreakerRules = { failures: 5, openMs: 10_000, probes: 1, probeMs: 3_000 };

/** One breaker with a clock, driven by hand. */
function breaker(own: Partial<BreakerRules> = {}) {
  const applied = { ...rules, ...own };
  let state: BreakerState = newBreaker;
  return {
    now: 1_000_000,
    get status() {
      return state.status;
    },
    /** The ticket, or when to come back. */
    ask(): Ticket | number {
      const asked = ask(state, this.now, applied);
      state = asked.state;
      return asked.decision.admitted ? asked.decision.ticket : asked.decision.retryAt;
    },
    ticket(): Ticket {
      const asked = this.ask();
      if (typeof asked === "number") throw new Error("it was refused");
      return asked;
    },
    settle(ticket: Ticket, sign: Sign): void {
      state = settle(state, ticket, sign, this.now, applied);
    },
    /** So many requests, one after the other. */
    see(...signs: readonly Sign[]): void {
      for (const sign of signs) this.settle(this.ticket(), sign);
    },
  };
}

const times = (count: number, sign: Sign): Sign[] => Array.from({ length: count }, () => sign);

/** Opened by expired waits unless told otherwise, and its time over. */
function halfOpen(own: Partial<BreakerRules> = {}, because: Sign = "expired") {
  const one = breaker(own);
  one.see(...times(5, because));
  one.now += rules.openMs;
  return one;
}

describe("closed", () => {
  test.each(["expired", "refused"] as const)("the fifth failure in a row opens it: %s", (sign) => {
    const one = breaker();
    one.see(...times(4, sign));
    expect(one.status).toBe("closed");
    one.see(sign);
    expect(one.status).toBe("open");
  });

  test("failures of both kinds are one row", () => {
    const one = breaker();
    one.see("expired", "refused", "expired", "refused", "expired");
    expect(one.status).toBe("open");
  });

  test("a reply ends the row; nothing else does of expired waits", () => {
    const one = breaker();
    one.see(...times(4, "expired"), "replied", ...times(4, "expired"), "none", "handed-over");
    expect(one.status).toBe("closed");
    one.see("expired");
    expect(one.status).toBe("open");
  });

  test("a record that Kafka takes ends a row of refusals", () => {
    const one = breaker();
    one.see(...times(4, "refused"), "handed-over", ...times(4, "refused"));
    expect(one.status).toBe("closed");
  });

  test("half of twenty outcomes in ten seconds open it, however they are mixed; fewer do not, nor older ones", () => {
    const one = breaker({ failures: 1_000 });
    for (let pair = 0; pair < 9; pair++) one.see("replied", "expired");
    one.see("replied");
    expect(one.status).toBe("closed");
    one.now += 11_000;
    for (let pair = 0; pair < 9; pair++) one.see("replied", "expired");
    one.see("replied");
    expect(one.status).toBe("closed");
    one.now += 5_000;
    one.see("expired");
    expect(one.status).toBe("open");
  });

  test("a service that fails less often than that stays in use", () => {
    const one = breaker({ failures: 1_000 });
    for (let round = 0; round < 100; round++) {
      one.now += 100;
      one.see("replied", "replied", "expired");
    }
    expect(one.status).toBe("closed");
  });
});

describe("open", () => {
  test("it refuses for its time, and says when that is over", () => {
    const one = breaker();
    one.see(...times(5, "expired"));
    expect(one.ask()).toBe(one.now + 10_000);
    one.now += 9_999;
    expect(one.ask()).toBe(one.now + 1);
    expect(one.status).toBe("open");
    one.now += 1;
    expect(one.ask()).toMatchObject({ probe: 0 });
    expect(one.status).toBe("half-open");
  });

  test("what was admitted before says nothing any more, neither while it is open nor after", () => {
    const one = breaker();
    const early = [one.ticket(), one.ticket(), one.ticket()];
    one.see(...times(5, "expired"));
    one.settle(early[0] as Ticket, "replied");
    expect(one.status).toBe("open");
    one.now += 10_000;
    const probe = one.ticket();
    one.settle(early[1] as Ticket, "replied");
    expect(one.status).toBe("half-open");
    one.settle(probe, "replied");
    expect(one.status).toBe("closed");
    one.see(...times(4, "expired"));
    one.settle(early[2] as Ticket, "expired");
    expect(one.status).toBe("closed");
  });
});

describe("half open", () => {
  test("one probe at a time, and all others are refused", () => {
    const one = halfOpen();
    one.ticket();
    expect(typeof one.ask()).toBe("number");
    expect(typeof one.ask()).toBe("number");
  });

  test("a probe that is answered closes it; one that fails opens it for another time", () => {
    const one = halfOpen();
    one.see("expired");
    expect(one.status).toBe("open");
    expect(one.ask()).toBe(one.now + 10_000);
    one.now += 10_000;
    one.see("replied");
    expect(one.status).toBe("closed");
    one.see(...times(4, "expired"));
    expect(one.status).toBe("closed");
  });

  test("with three probes three are under way, and three have to succeed", () => {
    const one = halfOpen({ probes: 3 });
    const probes = [one.ticket(), one.ticket(), one.ticket()];
    expect(typeof one.ask()).toBe("number");
    one.settle(probes[0] as Ticket, "replied");
    one.settle(probes[1] as Ticket, "replied");
    expect(one.status).toBe("half-open");
    probes.push(one.ticket());
    one.settle(probes[3] as Ticket, "replied");
    expect(one.status).toBe("closed");
  });

  test("a probe that is never heard of makes room when its time is over, and counts for nothing then", () => {
    const one = halfOpen();
    const lost = one.ticket();
    expect(one.ask()).toBe(one.now + 3_000);
    one.now += 3_000;
    const next = one.ticket();
    one.settle(lost, "expired");
    expect(one.status).toBe("half-open");
    one.settle(next, "replied");
    expect(one.status).toBe("closed");
  });

  test("whoever is refused beside a probe is told to come back in openMs, however long the probe may take", () => {
    const one = halfOpen({ probeMs: 46_000 });
    one.ticket();
    expect(one.ask()).toBe(one.now + 10_000);
    one.now += 40_000;
    expect(one.ask()).toBe(one.now + 6_000);
  });

  test("a probe whose caller left makes room openMs after it began, not at once", () => {
    const one = halfOpen({ probeMs: 60_000 });
    const { now } = one;
    const left = one.ticket();
    one.now += 200;
    one.settle(left, "none");
    expect(one.ask()).toBe(now + 10_000);
    one.now = now + 10_000;
    expect(one.ask()).toMatchObject({ probe: 1 });
  });

  test("a record that Kafka takes closes it where refusals opened it, and says nothing where waits had expired", () => {
    const refusals = halfOpen({}, "refused");
    refusals.see("handed-over");
    expect(refusals.status).toBe("closed");
    const waits = halfOpen();
    waits.see("handed-over");
    expect(waits.status).toBe("half-open");
    expect(typeof waits.ask()).toBe("number");
  });
});

const signs = ["replied", "handed-over", "refused", "expired", "none"] as const;
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant("ask" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant("settle" as const),
      which: fc.nat(20),
      sign: fc.constantFrom(...signs),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
  },
);

test("in any order of events there are never more probes under way than may be, and it heals once all is well", () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 200, size: "max" }),
      fc.integer({ min: 1, max: 4 }),
      (events, probes) => {
        const one = breaker({ probes, failures: 2 });
        const out: { ticket: Ticket; askedAt: number }[] = [];
        const underWay = () =>
          out.filter(
            ({ ticket, askedAt }) => ticket.probe !== undefined && askedAt + rules.probeMs > one.now,
          );
        for (const each of events) {
          if (each.is === "pass") one.now += each.ms;
          if (each.is === "ask") {
            const before = one.status;
            const asked = one.ask();
            if (typeof asked === "number") expect(asked).toBeGreaterThan(one.now);
            else out.push({ ticket: asked, askedAt: one.now });
            if (typeof asked !== "number" && before !== "closed") expect(asked.probe).toBeDefined();
            const current = underWay().filter(({ ticket }) => ticket.turn === out.at(-1)?.ticket.turn);
            if (one.status === "half-open") expect(current.length).toBeLessThanOrEqual(probes);
          }
          if (each.is === "settle" && out.length > 0) {
            const [settled] = out.splice(each.which % out.length, 1);
            if (settled !== undefined) one.settle(settled.ticket, each.sign);
          }
        }
        // The service is back: whatever was, a few requests later it is asked again.
        for (let turn = 0; turn < 2 * probes + 2 && one.status !== "closed"; turn++) {
          one.now += rules.openMs;
          const asked = one.ask();
          if (typeof asked !== "number") one.settle(asked, "replied");
        }
        expect(one.status).toBe("closed");
      },
    ),
    { numRuns: 300 },
  );
});

describe("what an outcome says of the service", () => {
  const seen = { createdAt: 7, deadlineAt: 2_007, waitedMs: 2_000, timeoutMs: 2_000 };
  const reply = { status: 503, body: new Uint8Array() } as unknown as Extract<
    DurableOutcome,
    { status: "replied" }
  >["reply"];
  test.each<readonly [string, DurableOutcome, Sign]>([
    ["any reply is a sign of life, also one that is an error", { status: "replied", reply }, "replied"],
    ["a stored reply is none: it is as old as it is", { status: "replied", reply, isStored: true }, "none"],
    ["an expired wait is a failure", { status: "expired", deadlineAt: 2_007 }, "expired"],
    ["and one, however many had joined it", { status: "expired", deadlineAt: 1_007 }, "none"],
    ["a refused record is a failure", { status: "refused", retryAfter: 1 }, "refused"],
    [
      "a record that is too large is its client's",
      { status: "refused", retryAfter: 1, tooLarge: true },
      "none",
    ],
    ["a produce that nobody answers is a failure", { status: "unknown" }, "refused"],
    [
      "one whose caller did not wait for Kafka's answer says nothing",
      { status: "unknown", isEarly: true },
      "none",
    ],
    [
      "a 202 of an exchange opened here says that Kafka took it",
      { status: "waiting", createdAt: 7, deadlineAt: 9 },
      "handed-over",
    ],
    ["a 202 of one that was joined says nothing", { status: "waiting", createdAt: 6, deadlineAt: 9 }, "none"],
    ["nor does a cancelled one", { status: "cancelled" }, "none"],
    ["nor a client that left", { status: "left" }, "none"],
    ["nor a key that was used for something else", { status: "conflict" }, "none"],
    ["nor a waiter out of reach", { status: "unavailable" }, "none"],
  ])("%s", (_, outcome, sign) => {
    expect(signOf(outcome, seen)).toBe(sign);
  });

  test("a wait that a slow body or a late caller left less than half its time is no failure", () => {
    const expired = { status: "expired", deadlineAt: seen.deadlineAt } as const;
    expect(signOf(expired, { ...seen, waitedMs: 999 })).toBe("none");
    expect(signOf(expired, { ...seen, waitedMs: 1_000 })).toBe("expired");
  });
});
