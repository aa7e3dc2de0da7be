// A run in which hardly anybody was answered shows nothing, however little is wrong with it. The shares are far below those
// of any run of the gateway that ships: with a key all, without one a fifth of all, and all whose call began in peace.

import { ownTries } from "../answers.ts";
import { violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { CallLine } from "../../journal.ts";

/** Who has a key asks again until there is an answer. */
const leastWithKey = 0.95;
/** Who has none is told at once that something is broken. */
const leastWithoutKey = 0.1;
/** Begun when nothing was broken any more, and ended before anything was again. */
const leastInPeace = 0.5;
/** By then a breaker has closed: it is open for 10 s after the last failure, and its probe may take a wait. */
const peaceAfterMs = 20_000;
/** Of fewer nothing is said. */
const fewest = 20;

export function* tooFewAnswers(facts: Facts): Generator<Finding> {
  const { calls } = facts;
  if (calls.length === 0) yield violation("nobody asked anything");
  const [withKey = [], withoutKey = []] = [true, false].map((has) =>
    calls.filter(({ call }) => ownTries(facts, call).some(({ key }) => key !== undefined) === has),
  );
  yield* share("with a key", withKey, leastWithKey);
  yield* share("without a key", withoutKey, leastWithoutKey);
  const inPeace = calls.filter(({ call }) => wasInPeace(facts, call));
  for (const [kind, ofKind] of Map.groupBy(inPeace, (call) => call.kind)) {
    yield* share(`of the kind ${kind}, begun in peace,`, ofKind, leastInPeace);
  }
}

function* share(which: string, calls: readonly CallLine[], least: number): Generator<Finding> {
  const answered = calls.filter(({ ended }) => ended === "answered").length;
  if (calls.length < fewest || answered >= least * calls.length) return;
  yield violation(`of ${calls.length} calls ${which} only ${answered} were answered`);
}

function wasInPeace(facts: Facts, call: string): boolean {
  const [first] = ownTries(facts, call).toSorted((a, b) => a.sentAt - b.sentAt);
  if (first === undefined) return false;
  return facts.faultsDuring("any", first.sentAt - peaceAfterMs, first.endedAt).length === 0;
}
