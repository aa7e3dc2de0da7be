// The ledger against the reply topic itself. Counts and position are one row of the drain, stored once a second; a reply
// that had its verdict behind one that had none yet is therefore read and counted once more after the runtime was
// killed. So `read` is never less than there are replies, and more only after a kill; without one they are equal.

import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

interface PartitionBook {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly read: number;
  readonly inFlight: number;
  readonly resets: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

interface Ledger {
  readonly balanced: boolean;
  readonly deadLetters: number;
  readonly partitions: readonly PartitionBook[];
}

/** Nobody forges, breaks or misdirects a reply here, and no waiter is away for a minute. */
const neverGiven = ["foreign", "unknown", "malformed", "undeliverable"];

export function* wrongBooks(facts: Facts): Generator<Finding> {
  const { ledger } = facts.end;
  if (!isLedger(ledger)) {
    yield violation("there is no ledger");
    return;
  }
  if (!ledger.balanced) yield violation("the ledger says itself that it does not balance");
  if (ledger.deadLetters > 0) yield violation(`there are ${ledger.deadLetters} dead letters`);
  const books = ledger.partitions.filter(({ topic }) => topic === facts.run.replyTopic);
  for (const [partition, end] of facts.replyEnds.entries()) {
    const book = books.find((each) => each.partition === partition);
    if (book === undefined) yield violation(`there are no books of partition ${partition}`);
    else yield* wrongIn(facts, book, end);
  }
}

function* wrongIn(facts: Facts, book: PartitionBook, end: number): Generator<Finding> {
  const { partition, offset, read, inFlight, resets, verdicts } = book;
  const name = `partition ${partition}`;
  const judged = Object.values(verdicts).reduce((sum, count) => sum + count, 0);
  if (read !== judged + inFlight) {
    yield violation(`${name}: ${read} read, but ${judged} verdicts and ${inFlight} in flight`);
  }
  if (inFlight > 0) yield violation(`${name}: ${inFlight} are still in flight`);
  if (offset !== end) yield violation(`${name}: read to offset ${offset} of ${end}`);
  if (resets > 0) yield violation(`${name}: its log was taken for another one ${resets} times`);
  for (const verdict of neverGiven) {
    const count = verdicts[verdict] ?? 0;
    if (count > 0) yield violation(`${name}: ${count} replies are ${verdict}`);
  }
  const written = facts.replies.filter((reply) => reply.partition === partition).length;
  const mayReadAgain = facts.faults.some(({ target, fault }) => target === "runtime" && fault === "kill");
  if (read < written) yield violation(`${name}: ${written} replies, but ${read} read`);
  for (let again = written; again < read; again++) {
    if (!mayReadAgain) {
      yield violation(`${name}: ${written} replies, but ${read} read, and no runtime was killed`);
      return;
    }
    yield explained("a reply was read again after the runtime was killed");
  }
}

function isLedger(ledger: unknown): ledger is Ledger {
  return typeof ledger === "object" && ledger !== null && "partitions" in ledger;
}
