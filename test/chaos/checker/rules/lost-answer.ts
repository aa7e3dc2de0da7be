// Every durable call ends answered. One that its client gave up is lost too, unless the answer could not be there yet.

import { idsOfCall, isDurable, keptUntil, ownTries, responseOf, wasAccepted } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { CallLine, TryLine } from "../../journal.ts";

/** From a reply's being on its topic to the answer of whoever asks then, when nothing is killed. */
const handedOverWithinMs = 10_000;
/** What was on before a call began may have left it something to wait for. */
const aftermathMs = 10_000;

export function* lostAnswers(facts: Facts): Generator<Finding> {
  for (const call of facts.calls) {
    if (call.ended !== "answered" && isDurable(facts, call.call)) yield* notAnswered(facts, call);
  }
  for (const one of facts.tries) yield* gone(facts, one);
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
  const from = Math.min(...sentAt) - aftermathMs;
  const to = Math.max(...tries.map(({ endedAt }) => endedAt));
  if (facts.faultsDuring("any", from, to).length === 0) {
    yield violation(`${what} was not answered, and nothing was broken`);
    return;
  }
  yield explained(
    wasHandedOver
      ? "its client gave up before anybody had replied"
      : "its client gave up before it was handed over",
  );
}

/** Nothing is kept any more of what ought to be. */
function* gone(facts: Facts, one: TryLine): Generator<Finding> {
  const response = responseOf(one);
  if (response?.status !== 410 || one.asked !== "location") return;
  const kept = keptUntil(facts, response.correlationId ?? "");
  if (kept === undefined) yield explained("gone, and never handed over");
  else if (one.endedAt >= kept) yield explained("gone, after its retention");
  else
    yield violation(`the call ${one.call} was gone ${kept - one.endedAt} ms before the end of its retention`);
}
