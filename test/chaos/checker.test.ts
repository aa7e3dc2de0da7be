// The rules of the chaos checker on runs of a few lines: what each finds wrong, and what it takes for explained. A clean
// run is in small-run.ts; each test changes one thing of it.

import { describe, expect, test } from "vitest";
import { judge } from "./checker/judge.ts";
import { readReplyRecord, readRequestRecord, type RawRecord } from "./checker/records.ts";
import type { RuleName } from "./checker/rules.ts";
import {
  answered,
  begin,
  fault,
  keyedTry,
  ledgerOf,
  replyOf,
  requestOf,
  seen,
  smallRun,
  type SmallRun,
} from "./small-run.ts";

type Change = (run: SmallRun) => void;
type Case = readonly [what: string, change: Change];

function after(change: Change) {
  const run = smallRun();
  change(run);
  const { counts, violations } = judge(run);
  const explained = Object.entries(counts).filter(([what]) => what.includes(": "));
  return { explained, names: [...new Set(violations.map(({ name }) => name))], violations };
}

function describeRule(
  name: RuleName,
  { caught, fine }: { readonly caught: readonly Case[]; readonly fine: readonly Case[] },
): void {
  describe(name, () => {
    test.each(caught)("%s is caught", (_, change) => {
      expect(after(change).names).toContain(name);
    });
    test.each(fine)("%s is explained, and counted", (_, change) => {
      const { violations, explained } = after(change);
      expect(violations).toEqual([]);
      expect(explained).toEqual([[expect.stringContaining(`${name}: `), expect.any(Number)]]);
    });
  });
}

/** The keyed call without an answer: both its tries end in this. */
const unanswered =
  (
    ended: "gave-up" | "refused",
    outcome = seen("keyed", { status: 504, code: "deadline_exceeded" }),
  ): Change =>
  (run) => {
    const first = keyedTry(0, outcome, { endedAt: begin + 45_000 });
    run.tries.splice(1, 2, first, keyedTry(45_100, outcome));
    run.calls.splice(1, 1, { call: "keyed", kind: "keyed", principal: "acme", ended });
  };
const stillKept = seen("keyed", {
  status: 504,
  code: "deadline_exceeded",
  location: "/requests/id-of-keyed",
});

/** Its reply goes, and with it what the books say of it. */
const unreplied: Change = (run) => {
  run.replies.splice(1, 1);
  run.end.ledger = ledgerOf({ read: 2, verdicts: { accepted: 2 } });
};

const all =
  (...changes: readonly Change[]): Change =>
  (run) => {
    for (const change of changes) change(run);
  };

/** A second reply to the keyed call, behind all others. */
const secondReply =
  (nonce = "second"): Change =>
  (run) => {
    run.replies.push(replyOf("keyed", "acme", { offset: 3, atMs: 1_500, nonce }));
    Object.assign(run, { replyEnds: [4] });
    run.end.ledger = ledgerOf({ read: 4, offset: 4, verdicts: { accepted: 3, duplicate: 1 } });
  };

test("a run in which all is well has no violation, and nothing to explain", () => {
  expect(judge(smallRun())).toEqual({
    counts: {
      calls: 3,
      "calls answered": 3,
      tries: 6,
      answers: 4,
      "request records": 3,
      "reply records": 3,
    },
    violations: [],
  });
});

test("a second reply that nobody was answered with is none of anybody's business", () => {
  expect(after(secondReply())).toMatchObject({ violations: [], explained: [] });
});

describeRule("lost-answer", {
  caught: [
    ["a call with a key that was refused", unanswered("refused", seen("keyed", { status: 409, code: "x" }))],
    ["one given up long after its reply was there", unanswered("gave-up", stillKept)],
    ["one that nobody replied to while nothing was broken", all(unanswered("gave-up", stillKept), unreplied)],
    [
      "an accepted call without a record",
      (run) => {
        unreplied(run);
        run.requests.splice(2, 1);
        run.tries.splice(4, 1);
        run.calls.splice(2, 1, { call: "async", kind: "async", principal: "globex", ended: "gave-up" });
        run.replies.pop();
        run.faults.push(fault("bridge", "kill", 0));
      },
    ],
    [
      "one that nobody replied to long after the last fault",
      all(unanswered("gave-up", stillKept), unreplied, (run) => {
        run.tries.push(keyedTry(120_000, stillKept));
        run.faults.push(fault("responder", "kill", 1_000));
      }),
    ],
    [
      "a reply that does not reach a plain caller in time",
      (run) => {
        const outcome = seen("plain", { status: 504, code: "deadline_exceeded" });
        run.tries[0] = { ...at(run, 0), endedAt: begin + 45_000, outcome };
        run.calls[0] = { call: "plain", kind: "plain", principal: "acme", ended: "refused" };
      },
    ],
    [
      "a reply that does not reach who waits with a key",
      (run) => run.tries.push(keyedTry(1_100, wentAway, { endedAt: begin + 11_200 })),
    ],
    [
      "an accepted call that is gone, and was handed over only when it was sent again",
      (run) => {
        const gone = seen("keyed", { status: 410, code: "gone" });
        const accepted = seen("keyed", { status: 202, location: "/requests/id-of-keyed" });
        run.requests[1] = requestOf("keyed", { offset: 1, atMs: 900 });
        run.tries.push(keyedTry(100, accepted), keyedTry(500, gone, { asked: "location" }));
      },
    ],
    [
      "an exchange that is gone within its retention, by another name",
      (run) => {
        const gone = seen("async", { status: 410, code: "gone", correlationId: "another" });
        run.tries.push({ ...keyedTry(60_000, gone), call: "async", kind: "async", asked: "location" });
      },
    ],
    [
      "an exchange that is gone within its retention",
      (run) => {
        const gone = seen("async", { status: 410, code: "gone" });
        run.tries.push({ ...keyedTry(60_000, gone), call: "async", kind: "async", asked: "location" });
      },
    ],
  ],
  fine: [
    [
      "a call given up when its reply has just come",
      all(unanswered("gave-up", stillKept), (run) => {
        run.replies[1] = replyOf("keyed", "acme", { offset: 1, atMs: 40_000 });
      }),
    ],
    [
      "one that nobody replied to while the responder was dead",
      all(unanswered("gave-up", stillKept), unreplied, (run) => {
        run.faults.push(fault("responder", "kill", 1_000));
      }),
    ],
    [
      "one that was never handed over while the broker was dead",
      all(unanswered("gave-up", stillKept), unreplied, (run) => {
        run.requests.splice(1, 1);
        run.faults.push(fault("broker", "kill", 1_000));
      }),
    ],
    [
      "an exchange that is gone, since its record was refused, until it is sent again",
      (run) => {
        run.requests[1] = requestOf("keyed", { offset: 1, atMs: 900 });
        run.tries.push(keyedTry(500, seen("keyed", { status: 410, code: "gone" }), { asked: "location" }));
      },
    ],
    [
      "an exchange that is gone after its retention",
      (run) => {
        const gone = seen("async", { status: 410, code: "gone" });
        const principal = "globex";
        const asked = "location";
        run.tries.push({ ...keyedTry(65_000, gone), call: "async", kind: "async", principal, asked });
      },
    ],
  ],
});

describeRule("second-answer", {
  caught: [
    [
      "a retry that is told to wait though there was an answer",
      (run) => run.tries.push(keyedTry(5_000, stillKept)),
    ],
    [
      "a retry that is refused though there was an answer",
      (run) => run.tries.push(keyedTry(5_000, seen("keyed", { status: 503, code: "circuit_open" }))),
    ],
    [
      "another answer at a retry",
      all(secondReply(), (run) => {
        run.tries.push(keyedTry(5_000, answered("keyed", "acme", "second")));
      }),
    ],
    [
      "another answer at the Location of a call without a key",
      (run) => {
        const outcome = answered("async", "globex", "second");
        run.tries.push({ ...keyedTry(5_000, outcome), call: "async", kind: "async", asked: "location" });
        delete (run.tries.at(-1) as { key?: string }).key;
      },
    ],
  ],
  fine: [
    [
      "a retry for which nobody could look",
      (run) => run.tries.push(keyedTry(5_000, seen("keyed", { status: 503, code: "waiter_unavailable" }))),
    ],
  ],
});

test("a key whose retention is over may have another answer, of another record", () => {
  const { violations, explained } = after((run) => {
    run.requests.push(requestOf("keyed", { offset: 3, atMs: 66_000 }));
    secondReply()(run);
    run.tries.push(keyedTry(66_000, answered("keyed", "acme", "second")));
  });
  expect(violations).toEqual([]);
  expect(explained.map(([what]) => what)).toEqual([
    "second-answer: another answer after the retention of the first",
    "not-first-reply: an earlier reply was of no use any more when it was read",
    "second-record: another record: the retention of the first was over",
  ]);
});

describeRule("invented-answer", {
  caught: [
    [
      "an answer that nobody gave",
      (run) => (run.tries[0] = { ...at(run, 0), outcome: answered("plain", "acme", "?") }),
    ],
    [
      "the reply to another exchange of the same call",
      (run) => {
        run.replies[0] = { ...replyOf("plain", "acme", { offset: 0 }), correlationId: "another" };
      },
    ],
  ],
  fine: [],
});

describeRule("not-first-reply", {
  caught: [
    [
      "an answer that came behind another one",
      all(secondReply(), (run) => {
        const outcome = answered("keyed", "acme", "second");
        run.tries.splice(1, 2, keyedTry(2_000, outcome));
      }),
    ],
    [
      "replies in two partitions",
      all(secondReply(), (run) => {
        run.replies.push({ ...replyOf("keyed", "acme", { offset: 0 }), partition: 1 });
      }),
    ],
  ],
  fine: [
    [
      "an earlier reply that was of no use any more",
      all(secondReply(), (run) => {
        run.replies[1] = { ...replyOf("keyed", "acme", { offset: 1 }), keepUntil: begin + 2_000 };
        run.tries.splice(1, 2, keyedTry(2_000, answered("keyed", "acme", "second")));
      }),
    ],
  ],
});

const anotherAttempt =
  (atMs: number, attempt?: number): Change =>
  (run) => {
    run.requests.push(requestOf("keyed", { offset: 3, atMs, ...(attempt === undefined ? {} : { attempt }) }));
  };

/** The keyed call has its answer when all attempts are over. */
const answeredLate: Change = (run) => {
  run.tries.splice(1, 2, keyedTry(50_000, answered("keyed", "acme")));
};

const takenOver =
  (afterMs: number): Change =>
  (run) => {
    answeredLate(run);
    run.requests.push(requestOf("keyed", { offset: 3, attempt: begin + afterMs }));
    run.faults.push(fault("runtime", "kill", 0));
  };

describeRule("second-record", {
  caught: [
    ["a record that is written twice", (run) => run.requests.push({ ...request(run, 1), offset: 9 })],
    [
      "one that is there three times, whatever was dead",
      (run) => {
        run.requests.push({ ...request(run, 1), offset: 8 }, { ...request(run, 1), offset: 9 });
        run.faults.push(fault("broker", "pause", 0));
      },
    ],
    ["another attempt while the first is waited for", anotherAttempt(10_000)],
    ["a takeover after less than 30 s", takenOver(29_000)],
    ["a takeover while nothing had died", all(takenOver(30_000), (run) => (run.faults.length = 0))],
    [
      "another attempt, after its deadline, for what was answered",
      (run) => {
        anotherAttempt(46_000)(run);
        run.replies[1] = { ...replyOf("keyed", "acme", { offset: 1 }) };
      },
    ],
    [
      "a plain request that is produced under two names",
      (run) => {
        run.requests.push({ ...request(run, 0), offset: 9, produceId: "id-of-plain:2", attempt: 2 });
      },
    ],
    [
      "a key that leads to two exchanges",
      (run) => {
        run.requests.push({ ...requestOf("another", { offset: 9 }), call: "keyed" });
      },
    ],
    [
      "a request without a key that became two",
      (run) => {
        run.requests.push({ ...requestOf("another", { offset: 9 }), call: "async" });
      },
    ],
  ],
  fine: [
    ["an attempt after the deadline of the one before", all(answeredLate, anotherAttempt(45_000))],
    [
      "an attempt of who came just before that deadline, written after it",
      all(answeredLate, (run) =>
        run.requests.push({ ...requestOf("keyed", { offset: 3, atMs: 44_900 }), timestamp: begin + 45_050 }),
      ),
    ],
    ["a takeover after 30 s, when something had died", takenOver(30_000)],
    [
      "a record that a broken connection held while the broker was stopped",
      (run) => {
        run.requests.push({ ...request(run, 1), offset: 9, timestamp: begin + 4_000 });
        run.faults.push(fault("broker", "pause", 500));
      },
    ],
  ],
});

const spied =
  (response: Parameters<typeof seen>[1]): Change =>
  (run) =>
    (run.tries[5] = { ...at(run, 5), outcome: seen("async", response) });

describeRule("wrong-caller", {
  caught: [
    [
      "another principal's name in an answer",
      (run) => (run.tries[0] = { ...at(run, 0), outcome: answered("plain", "globex") }),
    ],
    [
      "another call in an answer",
      (run) => (run.tries[0] = { ...at(run, 0), outcome: answered("keyed", "acme") }),
    ],
    ["the answer at somebody else's Location", spied({ body: "theirs" })],
    ["that somebody else's exchange waits", spied({ status: 202, location: "/requests/id-of-async" })],
    [
      "the ID of somebody else's exchange in the refusal",
      spied({ status: 404, code: "request_unknown", correlationId: "id-of-async" }),
    ],
    ["that somebody else's exchange is gone when it is not", spied({ status: 410, code: "gone" })],
    [
      "a key of one principal that leads to the exchange of the other",
      (run) => {
        run.tries.push(
          keyedTry(0, seen("keyed", { status: 504, code: "deadline_exceeded", location: "/" }), {
            principal: "globex",
          }),
        );
      },
    ],
    [
      "one correlation ID for two calls",
      (run) => {
        run.requests[1] = { ...request(run, 1), correlationId: "id-of-async" };
      },
    ],
  ],
  fine: [
    ["a waiter of somebody else that is out of reach", spied({ status: 503, code: "waiter_unavailable" })],
    [
      "somebody else's exchange before it was handed over",
      (run) => {
        spied({ status: 410, code: "gone" })(run);
        run.tries[5] = { ...at(run, 5), sentAt: begin + 100, endedAt: begin + 200 };
        run.requests[2] = requestOf("async", { offset: 2, atMs: 900 });
      },
    ],
    [
      "somebody else's exchange after its retention",
      (run) => {
        spied({ status: 410, code: "gone" })(run);
        run.tries[5] = { ...at(run, 5), sentAt: begin + 65_000, endedAt: begin + 65_100 };
      },
    ],
  ],
});

const plainEndsIn =
  (outcome: ReturnType<typeof seen>): Change =>
  (run) => {
    run.tries[0] = { ...at(run, 0), outcome };
    run.calls[0] = { call: "plain", kind: "plain", principal: "acme", ended: "refused" };
  };
const wentAway = { type: "broken", cause: "the client went away" } as const;
const brokenOff = { type: "broken", cause: "ECONNRESET" } as const;

describeRule("wrong-answer", {
  caught: [
    ["a status of no table", plainEndsIn(seen("plain", { status: 500, code: "internal" }))],
    [
      "a status with the code of another one",
      plainEndsIn(seen("plain", { status: 503, code: "deadline_exceeded" })),
    ],
    ["a problem without a code", plainEndsIn(seen("plain", { status: 503 }))],
    ["a plain request that is accepted", plainEndsIn(seen("plain", { status: 202, location: "/" }))],
    ["a 200 without a body", plainEndsIn(seen("plain", { status: 200 }))],
    ["a 200 that no responder says", plainEndsIn(seen("plain", { body: "<html>" }))],
    [
      "a plain request that is refused, and handed over",
      plainEndsIn(seen("plain", { status: 503, code: "circuit_open" })),
    ],
    [
      "one whose record was refused, and is there though nothing was broken",
      plainEndsIn(seen("plain", { status: 503, code: "produce_refused" })),
    ],
    [
      "a 504 long before the deadline",
      plainEndsIn(seen("plain", { status: 504, code: "deadline_exceeded" })),
    ],
    [
      "a 504 with a key long before the deadline",
      (run) => {
        run.tries[1] = { ...at(run, 1), endedAt: begin + 6_000, outcome: stillKept };
      },
    ],
    [
      "a client that is not even told that it is accepted",
      (run) => {
        run.tries[3] = { ...at(run, 3), endedAt: begin + 10_000, outcome: wentAway };
      },
    ],
    [
      "a 504 of a key that names no Location",
      (run) => {
        run.tries.push(keyedTry(0, seen("keyed", { status: 504, code: "deadline_exceeded" })));
      },
    ],
    ["a connection that broke while all was well", plainEndsIn(brokenOff)],
    [
      "one that broke while only the broker was dead",
      all(plainEndsIn(brokenOff), (run) => run.faults.push(fault("broker", "kill", 0))),
    ],
  ],
  fine: [
    [
      "a connection that broke with the runtime",
      all(plainEndsIn(brokenOff), (run) => run.faults.push(fault("runtime", "kill", 500))),
    ],
    ["a client that goes away", plainEndsIn(wentAway)],
    [
      "one that is not told that it is accepted while the broker is stopped",
      (run) => {
        run.tries.push({ ...at(run, 3), endedAt: begin + 10_000, outcome: wentAway });
        run.faults.push(fault("broker", "pause", 0));
      },
    ],
    [
      "a record that was refused, and is there, when the broker was stopped",
      all(plainEndsIn(seen("plain", { status: 503, code: "produce_refused" })), (run) => {
        run.faults.push(fault("broker", "pause", 0));
      }),
    ],
  ],
});

test("an attempt that was never written may be over when the next one has just begun", () => {
  const { violations } = after((run) => {
    run.requests[1] = requestOf("keyed", { offset: 1, atMs: 900 });
    const outcome = seen("keyed", {
      status: 504,
      code: "deadline_exceeded",
      location: "/requests/id-of-keyed",
    });
    run.tries.push(keyedTry(850, outcome));
  });
  expect(violations).toEqual([]);
});

test("refusals and expiry are answers that a plain request may end in", () => {
  for (const [status, code] of [
    [503, "produce_refused"],
    [503, "circuit_open"],
    [504, "deadline_exceeded"],
  ] as const) {
    const { violations } = after((run) => {
      plainEndsIn(seen("plain", { status, code }))(run);
      run.requests.shift();
    });
    expect(violations).toEqual([]);
  }
});

const books =
  (...args: Parameters<typeof ledgerOf>): Change =>
  (run) =>
    (run.end.ledger = ledgerOf(...args));

describeRule("books", {
  caught: [
    ["a ledger that is none", (run) => (run.end.ledger = { error: "none" })],
    ["one that says itself that it does not balance", books({}, { balanced: false })],
    ["a verdict too few", books({ verdicts: { accepted: 2 } })],
    ["a verdict too many", books({ verdicts: { accepted: 4 } })],
    ["a reply that is still in flight", books({ inFlight: 1, verdicts: { accepted: 2 } })],
    ["a reply that was never read", books({ read: 2, verdicts: { accepted: 2 } })],
    ["one that was read twice though nothing was killed", books({ read: 4, verdicts: { accepted: 4 } })],
    ["an end that was not reached", books({ offset: 2 })],
    ["a log that was taken for another one", books({ resets: 1 })],
    ["a reply that is undeliverable", books({ verdicts: { accepted: 2, undeliverable: 1 } })],
    ["a dead letter", books({}, { deadLetters: 1 })],
    ["a partition without books", books({ partition: 1 })],
  ],
  fine: [
    [
      "a reply that was read again after a kill",
      all(books({ read: 4, verdicts: { accepted: 4 } }), (run) => {
        run.faults.push(fault("runtime", "kill", 0));
      }),
    ],
  ],
});

describeRule("left-behind", {
  caught: [
    ["a row", (run) => (run.end.rows = 1)],
    ["an alarm", (run) => (run.end.alarms = 1)],
  ],
  fine: [],
});

describeRule("noise", {
  caught: [
    ["an error", (run) => run.end.errors.push("hearback: a reply was late")],
    [
      "an error of the gateway's, also when the runtime was killed",
      (run) => {
        run.faults.push(fault("runtime", "kill", 0));
        run.end.errors.push("hearback: a request failed");
      },
    ],
  ],
  fine: [],
});

describeRule("unfinished", {
  caught: [
    ["a call without an end", (run) => run.calls.pop()],
    ["a call with two ends", (run) => run.calls.push(...run.calls.slice(0, 1))],
    ["a call that is answered without an answer", (run) => run.tries.shift()],
    [
      "a call that is given up with an answer",
      (run) => {
        run.calls[1] = { call: "keyed", kind: "keyed", principal: "acme", ended: "gave-up" };
      },
    ],
    [
      "a 202 that does not say where to come back",
      (run) => {
        run.tries[3] = { ...at(run, 3), outcome: seen("async", { status: 202 }) };
      },
    ],
    [
      "a response that comes long after the deadline",
      (run) => {
        run.tries[1] = { ...at(run, 1), endedAt: begin + 56_000 };
      },
    ],
    [
      "a client that leaves after its deadline, with nothing",
      (run) => {
        run.tries.push(keyedTry(0, wentAway, { endedAt: begin + 48_000 }));
      },
    ],
    [
      "a record that gives its service longer than it has",
      (run) => {
        run.requests[1] = { ...request(run, 1), deadlineAt: begin + 46_000, keepUntil: begin + 66_000 };
      },
    ],
    [
      "a record that is kept for longer than it may be",
      (run) => {
        run.requests[1] = { ...request(run, 1), keepUntil: begin + 66_000 };
      },
    ],
    ["a record that is for nobody", (run) => run.requests.push(requestOf("nobody", { offset: 3 }))],
    ["a record that cannot be understood", (run) => run.unreadable.push("request 0/9 names no call")],
  ],
  fine: [],
});

/** As many more calls, a second apart, of which every so many-th is answered and the others are refused at once. */
const moreCalls =
  (count: number, everyNth: number, key?: string): Change =>
  (run) => {
    for (let n = 0; n < count; n++) {
      const call = `more-${n}`;
      const isAnswered = n % everyNth === 0;
      const kind = key === undefined ? "plain" : "keyed";
      const refusal = seen(call, { status: 503, code: "circuit_open" });
      const one = {
        ...at(run, 0),
        call,
        kind,
        ...(key === undefined ? {} : { key: `${key}-${n}` }),
      } as const;
      run.tries.push({
        ...one,
        sentAt: begin + n * 1_000,
        endedAt: begin + n * 1_000 + 200,
        outcome: isAnswered ? answered(call, "acme") : refusal,
      });
      run.calls.push({ call, kind, principal: "acme", ended: isAnswered ? "answered" : "refused" });
    }
  };
const broken = (run: SmallRun) =>
  run.faults.push({ ...fault("broker", "kill", 0), backAt: begin + 1_000_000 });

describeRule("too-few-answers", {
  caught: [
    [
      "a run in which nobody asks",
      (run) => {
        run.calls.length = 0;
        run.tries.length = 0;
      },
    ],
    ["a gateway that refuses nearly all, whatever is broken", all(moreCalls(100, 20), broken)],
    ["one that refuses some who have a key, whatever is broken", all(moreCalls(40, 2, "key"), broken)],
    ["one that refuses most while nothing is broken", moreCalls(40, 3)],
  ],
  fine: [],
});

test("most calls without a key may be refused while something is broken", () => {
  expect(after(all(moreCalls(100, 8), broken)).names).not.toContain("too-few-answers");
  expect(after(moreCalls(100, 1)).names).not.toContain("too-few-answers");
});

test("a try may last as much longer as the runtime stood still", () => {
  const { violations } = after((run) => {
    run.tries[1] = { ...at(run, 1), endedAt: begin + 56_000 };
    run.faults.push(fault("runtime", "pause", 30_000));
  });
  expect(violations).toEqual([]);
});

function at(run: SmallRun, index: number) {
  const line = run.tries[index];
  if (line === undefined) throw new Error(`there is no try ${index}`);
  return line;
}

function request(run: SmallRun, index: number) {
  const record = run.requests[index];
  if (record === undefined) throw new Error(`there is no request ${index}`);
  return record;
}

describe("a record", () => {
  const instants = [
    ["X-Creation-Timestamp", "1000"],
    ["X-Deadline", "2000"],
    ["X-Keep-Until", "3000"],
  ] as const;
  const raw: RawRecord = {
    partition: 2,
    offset: 7,
    timestamp: 1_001,
    headers: [["x-correlation-id", "abc"], ["X-Produce-ID", "abc:1000"], ...instants],
    value: '{"call":"one"}',
  };

  test("of a request is read by its headers and its body", () => {
    expect(readRequestRecord(raw)).toEqual({
      partition: 2,
      offset: 7,
      timestamp: 1_001,
      correlationId: "abc",
      produceId: "abc:1000",
      attempt: 1_000,
      createdAt: 1_000,
      deadlineAt: 2_000,
      keepUntil: 3_000,
      call: "one",
    });
  });

  test.each([
    ["has no ID", { headers: raw.headers.slice(1) }],
    [
      "has the produce ID of another one",
      { headers: [["X-Correlation-ID", "abd"], ...raw.headers.slice(1)] },
    ],
    ["has a deadline before its creation", { headers: [...raw.headers, ["X-Deadline", "999"]] }],
    ["has an attempt that is no number", { headers: [...raw.headers, ["X-Produce-ID", "abc:first"]] }],
    ["names no call", { value: "{}" }],
    ["has a body that is no JSON", { value: "call" }],
  ] as const)("of a request that %s is told in words", (_, change) => {
    expect(readRequestRecord({ ...raw, ...change })).toMatch(/^request 2\/7 /);
  });

  test("of a reply is read by its headers, and its body is left as it is", () => {
    const reply = { partition: 2, offset: 7, timestamp: 1_001, correlationId: "abc", keepUntil: 3_000 };
    expect(readReplyRecord(raw)).toEqual({ ...reply, body: raw.value });
  });

  test.each([
    ["has no ID", { headers: raw.headers.slice(1) }],
    ["does not say how long it is of use", { headers: raw.headers.slice(0, 2) }],
    ["is an error", { headers: [...raw.headers, ["X-Reply-Status", "502"]] }],
  ] as const)("of a reply that %s is told in words", (_, change) => {
    expect(readReplyRecord({ ...raw, ...change })).toMatch(/^reply 2\/7 /);
  });
});
