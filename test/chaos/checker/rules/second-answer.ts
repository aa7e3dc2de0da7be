// All answers to one durable call are the same bytes: at every retry, for every caller of a key. And once there is one,
// nobody who asks while it is kept is told anything else.

import { answersIn, ownTries, responseOf, type AnswerSeen } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

export function* secondAnswers(facts: Facts): Generator<Finding> {
  const durable = answersIn(facts.tries).filter(({ kind }) => kind !== "plain");
  // Without a key a call that is made again is another exchange.
  const exchanges = Map.groupBy(durable, ({ key, call, correlationId }) =>
    key === undefined ? correlationId : call,
  );
  for (const answers of exchanges.values()) {
    const [first, ...others] = answers.toSorted((a, b) => a.endedAt - b.endedAt);
    if (first === undefined) continue;
    yield* takenBack(facts, first);
    const second = others.find(({ body }) => body !== first.body);
    if (second === undefined) continue;
    if (isOver(facts, first, second)) yield explained("another answer after the retention of the first");
    else yield violation(`the call ${first.call} was answered ${first.body} and then ${second.body}`);
  }
}

/** What may be said all the same: nobody could look. */
const couldNotLook = new Set(["waiter_unavailable", "body_timeout"]);

function* takenBack(facts: Facts, { call, correlationId, body, endedAt }: AnswerSeen): Generator<Finding> {
  const reply = facts.repliesOf(correlationId).find((each) => each.body === body);
  for (const one of ownTries(facts, call)) {
    const response = responseOf(one);
    if (response === undefined || response.status === 200) continue;
    if (one.sentAt <= endedAt || reply === undefined || one.endedAt >= reply.keepUntil) continue;
    const { status, code = "" } = response;
    yield couldNotLook.has(code)
      ? explained("nobody could look what the answer was")
      : violation(`the call ${call} was answered, and then it was ${status} ${code}`);
  }
}

/** The key had come to mean another exchange. */
function isOver(facts: Facts, first: AnswerSeen, second: AnswerSeen): boolean {
  const reply = facts.repliesOf(first.correlationId).find(({ body }) => body === first.body);
  return reply !== undefined && second.endedAt >= reply.keepUntil;
}
