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
  yield* wrongRecords(facts);
  for (const one of facts.tries) {
    const response = responseOf(one);
    if (response?.status === 202 && response.location === null) {
      yield violation(`the call ${one.call} was accepted without a Location`);
    }
    const tookMs = one.endedAt - one.sentAt;
    const mayMs =
      facts.run.waitsMs[one.kind] +
      (response === undefined ? leavingGraceMs : graceMs) +
      stoppedMs(facts, one);
    if (tookMs > mayMs) yield violation(`a try of the call ${one.call} took ${tookMs} ms`);
  }
}

/** Each is somebody's, and gives its service as long, and is kept as long after it, as its service is to. */
function* wrongRecords(facts: Facts): Generator<Finding> {
  const kinds = new Map(facts.calls.map(({ call, kind }) => [call, kind]));
  for (const { produceId, call, createdAt, deadlineAt, keepUntil } of facts.requests) {
    const kind = kinds.get(call);
    if (kind === undefined) {
      yield violation(`${produceId} is for the call ${call}, which nobody made`);
      continue;
    }
    const waitMs = facts.run.waitsMs[kind];
    const keptMs = kind === "plain" ? 0 : facts.run.retentionMs;
    const isRight = deadlineAt - createdAt === waitMs && keepUntil - deadlineAt === keptMs;
    if (!isRight) {
      yield violation(
        `${produceId} of a ${kind} call is waited for ${deadlineAt - createdAt} ms and kept ${keepUntil - deadlineAt} ms`,
      );
    }
  }
}

/** A runtime that stands still tells nobody that a deadline is over. */
function stoppedMs(facts: Facts, { sentAt, endedAt }: TryLine): number {
  return facts
    .faultsDuring(["runtime"], sentAt - afterFaultMs, endedAt)
    .reduce((sum, { at, backAt }) => sum + backAt - at + afterFaultMs, 0);
}
