// Every durable call ends answered. One that its client gave up is lost too, unless the answer could not be there yet.

import { idsOfCall, isDurable, keptUntil, ownTries, responseOf, wasAccepted } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { CallLine, TryLine } from "../../journal.ts";

/** The same, for a plain caller, who waits for nothing else; and after how long nothing that was broken is an excuse. */
const handedOverAtOnceMs = 4_000;
const healedAfterMs = 5_000;
/** From a reply's being on its topic to the answer of whoever asks then, when nothing is killed. */
const handedOverWithinMs = 10_000;
/** What was on before a call began may have left it something to wait for. */
const aftermathMs = 10_000;

export function* lostAnswers(facts: Facts): Generator<Finding> {
  for (const call of facts.calls) {
    if (call.ended !== "answered" && isDurable(facts, call.call)) yield* notAnswered(facts, call);
  }
  for (const one of facts.tries) {
    yield* gone(facts, one);
    yield* heldBack(facts, one);
  }
}

function* notAnswered(facts: Facts, { call, kind, ended }: CallLine): Generator<Finding> {
  const what = `the ${kind} call ${call}`;
  const tries = ownTries(facts, call);
  // Without a key there is no second attempt: an exchange that has expired is over for its client.
  const isExpired = responseOf(tries.at(-1))?.code === "deadline_exceeded";
  if (ended === "refused" && !isExpired) {
    yield violation(`${what} was refused`);
    return;
  }
  const sentAt = tries.map((one) => one.sentAt);
  const repliedAt = [...idsOfCall(facts, call)]
    .flatMap((id) => facts.repliesOf(id))
    .map(({ timestamp }) => timestamp);
  if (repliedAt.length > 0) {
    const since = Math.max(...sentAt) - Math.min(...repliedAt);
    yield since > handedOverWithinMs
      ? violation(`${what} was still not answered ${since} ms after its reply was there`)
      : explained("its client gave up when the reply had just come");
    return;
  }
  const wasHandedOver = facts.requestsFor(call).length > 0;
  if (!wasHandedOver && tries.some(wasAccepted)) {
    yield violation(`${what} was accepted, and never handed over`);
    return;
  }
  // Who still asks long after everything is well again is not waiting for what a fault held up.
  const lastAt = Math.max(...sentAt);
  const from = Math.max(Math.min(...sentAt), lastAt - facts.run.waitsMs[kind]) - aftermathMs;
  const to = Math.max(...tries.map(({ endedAt }) => endedAt));
  if (facts.faultsDuring("any", from, to).length === 0) {
    yield violation(`${what} was not answered, and nothing was broken any more`);
    return;
  }
  yield explained(
    wasHandedOver
      ? "its client gave up before anybody had replied"
      : "its client gave up before it was handed over",
  );
}

/** Plain or not: a reply that is there reaches who waits for it. */
function* heldBack(facts: Facts, one: TryLine): Generator<Finding> {
  if (one.asked === "location of another") return;
  const response = responseOf(one);
  const isVain = response === undefined || response.status === 202 || response.status === 504;
  if (!isVain) return;
  const { call, kind, sentAt, endedAt } = one;
  const ids =
    kind === "plain" && typeof response?.correlationId === "string"
      ? [response.correlationId]
      : idsOfCall(facts, call);
  const repliedAt = [...ids]
    .flatMap((id) => facts.repliesOf(id))
    .filter(({ keepUntil }) => keepUntil > endedAt || kind === "plain")
    .map(({ timestamp }) => timestamp);
  // It is told at once what is there, and who leaves at once is told nothing.
  const since = response === undefined ? Math.max(Math.min(...repliedAt), sentAt) : Math.min(...repliedAt);
  if (!(endedAt - since >= (kind === "plain" ? handedOverAtOnceMs : handedOverWithinMs))) return;
  if (facts.faultsDuring("any", since - healedAfterMs, endedAt).length > 0) return;
  yield violation(`a try of the ${kind} call ${call} was not answered ${endedAt - since} ms after its reply`);
}

/** Nothing is kept any more of what ought to be. */
function* gone(facts: Facts, one: TryLine): Generator<Finding> {
  const response = responseOf(one);
  if (response?.status !== 410 || one.asked !== "location") return;
  const { call, endedAt } = one;
  // What the 410 itself is named does not count.
  const kept = keptUntil(facts, call, endedAt);
  const wasPromised = ownTries(facts, call).some(
    (other) => wasAccepted(other) && other.endedAt <= one.sentAt,
  );
  if (kept === undefined) {
    yield wasPromised
      ? violation(`the call ${call} was accepted, and is gone without a record`)
      : explained("gone, and never handed over");
  } else if (endedAt >= kept) yield explained("gone, after its retention");
  else yield violation(`the call ${call} was gone ${kept - endedAt} ms before the end of its retention`);
}
