// Every try ends in time and every call ends at all, says where to come back if it is accepted, and the journals and
// records can be understood.

import { answersIn, ownTries, responseOf } from "../answers.ts";
import { violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { TryLine } from "../../journal.ts";

/** Over the deadline: what a busy machine needs besides, to answer, and for a client that leaves without an answer. */
const graceMs = 10_000;
const leavingGraceMs = 2_500;
/** And after a fault: all that was held up comes at once. */
const afterFaultMs = 5_000;

export function* unfinished(facts: Facts): Generator<Finding> {
  for (const what of facts.unreadable) yield violation(what);
  const ended = new Set(facts.calls.map(({ call }) => call));
  if (ended.size < facts.calls.length) yield violation("a call has ended twice");
  for (const call of new Set(facts.tries.map((one) => one.call))) {
    if (!ended.has(call)) yield violation(`the call ${call} has no end`);
  }
  for (const { call, ended: how } of facts.calls) {
    const isAnswered = answersIn(ownTries(facts, call)).length > 0;
    if (isAnswered !== (how === "answered"))
      yield violation(`the call ${call} is ${how}, and its tries say otherwise`);
  }
  const longest = longestWaits(facts);
  for (const one of facts.tries) {
    const response = responseOf(one);
    if (response?.status === 202 && response.location === null) {
      yield violation(`the call ${one.call} was accepted without a Location`);
    }
    const tookMs = one.endedAt - one.sentAt;
    const mayMs =
      (longest.get(one.kind) ?? Infinity) +
      (response === undefined ? leavingGraceMs : graceMs) +
      stoppedMs(facts, one);
    if (tookMs > mayMs) yield violation(`a try of the call ${one.call} took ${tookMs} ms`);
  }
}

/** By kind: the longest time that a record of it gives its service. */
function longestWaits(facts: Facts): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const { call, createdAt, deadlineAt } of facts.requests) {
    const kind = ownTries(facts, call)[0]?.kind ?? "";
    longest.set(kind, Math.max(longest.get(kind) ?? 0, deadlineAt - createdAt));
  }
  return longest;
}

/** A runtime that stands still tells nobody that a deadline is over. */
function stoppedMs(facts: Facts, { sentAt, endedAt }: TryLine): number {
  return facts
    .faultsDuring(["runtime"], sentAt - afterFaultMs, endedAt)
    .reduce((sum, { at, backAt }) => sum + backAt - at + afterFaultMs, 0);
}
