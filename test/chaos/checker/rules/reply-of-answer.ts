// Each answer is a reply that is in the reply topic for its correlation ID, and the first one. Earlier replies may have
// been passed over only if they were of no use any more: an expired attempt's, read after all that it was kept for.

import { answersIn, type AnswerSeen } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

export function* inventedAnswers(facts: Facts): Generator<Finding> {
  for (const { call, correlationId, body } of distinct(answersIn(facts.tries))) {
    if (facts.repliesOf(correlationId).some((reply) => reply.body === body)) continue;
    yield violation(`the call ${call} was answered ${body}, which is no reply to ${correlationId}`);
  }
}

export function* notFirstReplies(facts: Facts): Generator<Finding> {
  for (const { call, correlationId, body, endedAt } of distinct(answersIn(facts.tries))) {
    const replies = facts.repliesOf(correlationId);
    const at = replies.findIndex((reply) => reply.body === body);
    if (at === -1) continue;
    if (new Set(replies.map(({ partition }) => partition)).size > 1) {
      yield violation(`the replies to ${correlationId} are in several partitions`);
    }
    // It was read before the answer was given, so before this instant.
    const passedOver = replies.slice(0, at).filter(({ keepUntil }) => keepUntil > endedAt);
    if (passedOver.length > 0) {
      const offsets = passedOver.map(({ partition, offset }) => `${partition}/${offset}`).join();
      yield violation(`the call ${call} was answered ${body}, though ${offsets} came before it`);
    } else if (at > 0) yield explained("an earlier reply was of no use any more when it was read");
  }
}

/** The earliest of those that are the same. */
function distinct(answers: readonly AnswerSeen[]): readonly AnswerSeen[] {
  const first = new Map<string, AnswerSeen>();
  for (const answer of answers.toSorted((a, b) => a.endedAt - b.endedAt)) {
    const name = `${answer.correlationId} ${answer.body}`;
    if (!first.has(name)) first.set(name, answer);
  }
  return [...first.values()];
}
