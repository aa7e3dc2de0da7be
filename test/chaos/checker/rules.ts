// The rules that a run is held against, in one table: what each is called, which promise of docs/guarantees.md it
// watches, and what it says. How each finds out is in rules/.

import type { Rule } from "./finding.ts";
import { wrongBooks } from "./rules/books.ts";
import { leftBehind } from "./rules/left-behind.ts";
import { lostAnswers } from "./rules/lost-answer.ts";
import { noise } from "./rules/noise.ts";
import { inventedAnswers, notFirstReplies } from "./rules/reply-of-answer.ts";
import { secondAnswers } from "./rules/second-answer.ts";
import { secondRecords } from "./rules/second-record.ts";
import { tooFewAnswers } from "./rules/too-few-answers.ts";
import { unfinished } from "./rules/unfinished.ts";
import { wrongAnswers } from "./rules/wrong-answer.ts";
import { wrongCallers } from "./rules/wrong-caller.ts";

interface RuleRow {
  /** Stable: broken gateways are caught by it. */
  readonly name: string;
  /** Number in docs/guarantees.md. */
  readonly guarantee: number;
  readonly what: string;
  readonly find: Rule;
}

export const rules = [
  { name: "lost-answer", guarantee: 15, what: "every durable call ends answered", find: lostAnswers },
  {
    name: "second-answer",
    guarantee: 2,
    what: "one call has one answer, at every retry",
    find: secondAnswers,
  },
  {
    name: "invented-answer",
    guarantee: 1,
    what: "an answer is a reply to its request",
    find: inventedAnswers,
  },
  { name: "not-first-reply", guarantee: 2, what: "the first reply is the answer", find: notFirstReplies },
  { name: "second-record", guarantee: 14, what: "one record for each key and attempt", find: secondRecords },
  { name: "wrong-caller", guarantee: 6, what: "nobody gets or sees what is another's", find: wrongCallers },
  { name: "wrong-answer", guarantee: 8, what: "all else that clients are told is true", find: wrongAnswers },
  { name: "books", guarantee: 18, what: "the ledger is what is in the reply topic", find: wrongBooks },
  { name: "left-behind", guarantee: 4, what: "nothing is left after retention", find: leftBehind },
  { name: "noise", guarantee: 5, what: "no error is logged that is none", find: noise },
  {
    name: "too-few-answers",
    guarantee: 4,
    what: "it is a service: most are answered when nothing is broken",
    find: tooFewAnswers,
  },
  { name: "unfinished", guarantee: 4, what: "everything ends, in time", find: unfinished },
] as const satisfies readonly RuleRow[];

export type RuleName = (typeof rules)[number]["name"];
