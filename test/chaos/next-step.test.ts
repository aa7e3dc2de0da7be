// What a client of a chaos run does after what it was told.

import { expect, test } from "vitest";
import type { ResponseSeen } from "./journal.ts";
import { nextStep, type Outcome, type Situation } from "./next-step.ts";

const location = "/requests/1";
const broken: Outcome = { type: "broken", cause: "ECONNRESET" };
const said = (status: number, code?: string): Outcome => {
  const response: ResponseSeen = { status, correlationId: "1", location: null };
  return { type: "response", response: code === undefined ? response : { ...response, code } };
};

const calls = {
  plain: { kind: "plain" },
  keyed: { kind: "keyed", key: "k" },
  async: { kind: "async" },
  keyedAsync: { kind: "async", key: "k" },
} as const satisfies Record<string, Situation["call"]>;

type Row = readonly [
  title: string,
  call: keyof typeof calls,
  asked: Situation["asked"],
  outcome: Outcome,
  next: "answered" | "refused" | "ask service" | "ask location",
];

const rows: readonly Row[] = [
  ["a plain call is over with its answer", "plain", "service", said(200), "answered"],
  ["a plain call is over when it breaks off", "plain", "service", broken, "refused"],
  ["a plain call is over with a problem", "plain", "service", said(503, "circuit_open"), "refused"],
  ["a key is sent again when it broke off", "keyed", "service", broken, "ask service"],
  ["a key is sent again after 503", "keyed", "service", said(503, "produce_refused"), "ask service"],
  ["a key is sent again after 504", "keyed", "service", said(504, "deadline_exceeded"), "ask service"],
  ["a conflict is final", "keyed", "service", said(422, "idempotency_key_reused"), "refused"],
  ["what is accepted is asked for", "async", "service", said(202), "ask location"],
  ["what nobody knows of is asked for", "async", "service", said(503, "produce_unknown"), "ask location"],
  ["with a key it is sent again", "keyedAsync", "service", said(503, "produce_unknown"), "ask service"],
  ["without a key what broke off is over", "async", "service", broken, "refused"],
  ["what is not there yet is asked for again", "async", "location", said(202), "ask location"],
  ["a broken question is asked again", "async", "location", broken, "ask location"],
  ["so is one out of reach", "async", "location", said(503, "waiter_unavailable"), "ask location"],
  ["what has expired is over", "async", "location", said(504, "deadline_exceeded"), "refused"],
  ["with a key it is asked anew", "keyedAsync", "location", said(504, "deadline_exceeded"), "ask service"],
  ["so is what was refused", "keyedAsync", "location", said(503, "produce_refused"), "ask service"],
];

function situation(call: keyof typeof calls, asked: Situation["asked"], outcome: Outcome): Situation {
  return { call: calls[call], asked, outcome, location, retryAfterMs: undefined, failures: 0, jitter: 0.5 };
}

test.each(rows)("%s", (_, call, asked, outcome, next) => {
  const step = nextStep(situation(call, asked, outcome));
  expect(step.do === "end" ? step.ended : step.do).toBe(next);
});

test("what was accepted without a place to ask at is over", () => {
  const step = nextStep({ ...situation("async", "service", said(202)), location: undefined });
  expect(step).toEqual({ do: "end", ended: "refused" });
});

test("it waits as long as Retry-After says, and longer the more often it failed", () => {
  const after = (more: Partial<Situation>) => {
    const step = nextStep({ ...situation("keyed", "service", said(503, "circuit_open")), ...more });
    return step.do === "end" ? undefined : step.afterMs;
  };
  expect(after({ retryAfterMs: 10_000 })).toBe(10_000);
  expect([0, 1, 2, 3, 9].map((failures) => after({ failures }))).toEqual([250, 500, 1_000, 2_000, 4_000]);
});
