// Gateways that are broken on purpose, each in one way, so that it is known that the checker would see it. Each is a
// Worker entry around what ships; nothing of it is in what ships.

import type { RuleName } from "../checker/rules.ts";

export interface BrokenGateway {
  readonly name: string;
  /** The promise of docs/guarantees.md that it breaks, by number. */
  readonly breaks: number;
  readonly what: string;
  /** File of its Worker's entry, from the root. */
  readonly entry: string;
  /** What the checker must find, all of it; it may find more. */
  readonly caughtAs: readonly RuleName[];
}

const gateway = (
  name: string,
  breaks: number,
  caughtAs: readonly RuleName[],
  what: string,
): BrokenGateway => ({
  name,
  breaks,
  what,
  entry: `test/chaos/broken/${name}.ts`,
  caughtAs,
});

export const brokenGateways: readonly BrokenGateway[] = [
  gateway("drops-replies", 1, ["lost-answer"], "the drain passes some replies without delivering them"),
  gateway(
    "later-reply-wins",
    2,
    ["not-first-reply"],
    "a later reply takes the place of the one that is stored",
  ),
  gateway("invents-answers", 2, ["invented-answer"], "now and then an answer is one that nobody gave"),
  gateway("cleans-nothing", 4, ["left-behind"], "the alarm of a waiter does nothing"),
  gateway("holds-on", 4, ["unfinished"], "now and then a caller is held far over its deadline"),
  gateway("answers-nothing", 4, ["wrong-answer"], "now and then a caller is let go with an empty 200"),
  gateway("refuses-most", 4, ["too-few-answers"], "nineteen of twenty who have no key are refused"),
  gateway("logs-late-replies", 5, ["noise"], "the drain logs an error for each late reply"),
  gateway("tells-everybody", 6, ["wrong-caller"], "a waiter tells whoever asks, whosever the exchange is"),
  gateway("mixes-up-callers", 6, ["wrong-caller"], "now and then a plain caller gets the reply to another"),
  gateway(
    "produces-twice",
    7,
    ["second-record"],
    "some records are produced once more, under another produce ID",
  ),
  gateway(
    "ignores-keys",
    14,
    ["second-record", "second-answer"],
    "each request with a key is one of its own",
  ),
  gateway(
    "forgets-exchanges",
    15,
    ["lost-answer", "second-record"],
    "a waiter forgets what it has stored when it is built anew",
  ),
  gateway("miscounts", 18, ["books"], "the ledger leaves out every tenth reply"),
];
