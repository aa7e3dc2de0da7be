// All answers to one durable call are the same bytes: at every retry, for every caller of a key.

import { answersIn, type AnswerSeen } from "../answers.ts";
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
    const second = others.find(({ body }) => body !== first.body);
    if (second === undefined) continue;
    if (isOver(facts, first, second)) yield explained("another answer after the retention of the first");
    else yield violation(`the call ${first.call} was answered ${first.body} and then ${second.body}`);
  }
}

/** The key had come to mean another exchange. */
function isOver(facts: Facts, first: AnswerSeen, second: AnswerSeen): boolean {
  const reply = facts.repliesOf(first.correlationId).find(({ body }) => body === first.body);
  return reply !== undefined && second.endedAt >= reply.keepUntil;
}
