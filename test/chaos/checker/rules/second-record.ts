// One request record for each produce ID, and one for each key, unless the protocol wants another attempt: the deadline
// of the one before was over, or its opener was not heard of for 30 s, since something had died. What was answered has no
// other attempt while it is kept. Without a key, one for each time it was asked.

import { answersIn, type AnswerSeen } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { RequestRecord } from "../records.ts";

/** After it who takes over does so with an attempt of its own (docs/guarantees.md, 14). */
const takeoverAfterMs = 30_000;
/** A record that a broken connection still holds is appended, or given up, within so long. */
const heldRecordMs = 10_000;

export function* secondRecords(facts: Facts): Generator<Finding> {
  for (const records of Map.groupBy(facts.requests, ({ produceId }) => produceId).values()) {
    if (records.length > 1) yield twice(facts, records);
  }
  const answers = Map.groupBy(answersIn(facts.tries), ({ correlationId }) => correlationId);
  for (const [id, records] of Map.groupBy(facts.requests, ({ correlationId }) => correlationId)) {
    yield* attempts(facts, records, answers.get(id) ?? []);
  }
  for (const { call, kind } of facts.calls) {
    const ids = new Set(facts.requestsFor(call).map(({ correlationId }) => correlationId));
    const asked = facts.triesOf(call).filter((one) => one.asked === "service");
    const most = asked.some(({ key }) => key !== undefined) ? 1 : asked.length;
    if (ids.size > most)
      yield violation(`the ${kind} call ${call} has ${ids.size} exchanges instead of ${most}`);
  }
}

/** The gap that docs/guarantees.md names under 7: it needs a broker that was not answering. */
function twice(facts: Facts, records: readonly RequestRecord[]): Finding {
  const written = records.map(({ timestamp }) => timestamp);
  const broken = facts.faultsDuring(["broker"], Math.min(...written) - heldRecordMs, Math.max(...written));
  if (records.length === 2 && broken.length > 0) {
    return explained("written twice: a broken connection held the record (the gap of guarantee 7)");
  }
  return violation(`${records[0]?.produceId} is in the topic ${records.length} times`);
}

function* attempts(
  facts: Facts,
  records: readonly RequestRecord[],
  answers: readonly AnswerSeen[],
): Generator<Finding> {
  const firsts = [...new Map(records.toReversed().map((record) => [record.produceId, record])).values()];
  const [first, ...others] = firsts.toSorted((a, b) => a.attempt - b.attempt);
  if (first === undefined) return;
  let before = first;
  for (const record of others) {
    const why = whyAgain(facts, before, record);
    const { attempt } = before;
    const hadAnswer = answers.some(({ endedAt }) => endedAt > attempt && endedAt < record.attempt);
    if (hadAnswer && record.createdAt < before.keepUntil) {
      yield violation(`${record.produceId} follows ${before.produceId}, though there was an answer`);
    } else if (why === undefined) {
      yield violation(`${record.produceId} follows ${before.produceId}, which was still waited for`);
    } else yield explained(why);
    before = record;
  }
}

/** The instants of the two are those of one clock; that a record was written, its topic says. */
function whyAgain(facts: Facts, before: RequestRecord, record: RequestRecord): string | undefined {
  if (record.createdAt >= before.keepUntil) return "another record: the retention of the first was over";
  const isTakenOver = record.createdAt === before.createdAt && record.deadlineAt === before.deadlineAt;
  const hadDied =
    facts.faultsDuring("any", before.attempt - heldRecordMs, before.attempt + takeoverAfterMs).length > 0;
  if (isTakenOver && record.attempt - before.attempt >= takeoverAfterMs && hadDied) {
    return "another record: its opener was not heard of for 30 s";
  }
  // Who came just before the deadline may have been let in just after it.
  const isExpired = record.createdAt >= before.deadlineAt || record.timestamp >= before.deadlineAt;
  return isExpired ? "another record: the deadline of the attempt before was over" : undefined;
}
