// Whether anything was wrong or lost, in any measurement of any contender: by what came back, and by the books of those
// that keep some.

import type { ContenderId, Ledger } from "../contenders/contender.ts";
import { dueOf, type Measured } from "./loads.ts";
import { isCompared, isScale } from "./names.ts";
import type { ContenderSummary } from "./summary.ts";

export interface Books {
  /** Requests that were answered, in whatever way. */
  readonly answers: number;
  /** A sentence each; none is what is wanted. */
  readonly wrong: readonly string[];
  /** Requests in loads below the knee. */
  readonly belowKnee: number;
  readonly lost: readonly string[];
  /** Measurements with a ledger. */
  readonly ledgers: number;
  readonly unbalanced: readonly string[];
}

export function checkBooks(measured: readonly Measured[], contenders: readonly ContenderSummary[]): Books {
  const below = measured.filter((each) => each.perSecond < kneeFor(each, contenders));
  const withLedger = measured.flatMap((each) =>
    each.ledger === undefined ? [] : [{ each, ledger: each.ledger }],
  );
  return {
    answers: sumOf(measured.map(({ fates }) => dueOf(fates) - timesOf(fates, ["no answer", "not sent"]))),
    wrong: measured.flatMap((each) => found(each, timesOf(each.fates, ["wrong"]), "wrong")),
    belowKnee: sumOf(below.map(({ fates }) => dueOf(fates))),
    lost: below.flatMap((each) => found(each, timesOf(each.fates, lossesOf(each)), "lost")),
    ledgers: withLedger.length,
    unbalanced: withLedger.flatMap(({ each, ledger }) =>
      imbalancesOf(ledger, each.fates["right"] ?? 0).map((what) => `${placeOf(each)}: ${what}`),
    ),
  };
}

/** That of its own round; elsewhere the median. 0 where it is not known: then nothing is below it. */
function kneeFor(measured: Measured, contenders: readonly ContenderSummary[]): number {
  const knee = contenders.find(({ id }) => id === measured.contender)?.knee ?? null;
  if (!isCompared(measured)) return knee?.median ?? 0;
  return knee?.rounds.find(({ unit }) => unit === measured.unit)?.perSecond ?? 0;
}

/**
 * A request that ended in its timeout has lost its reply, below the knee: the responder answers at once. At scale some
 * wait for their timeout on purpose.
 */
function lossesOf(measured: Measured): readonly string[] {
  return isScale(measured) ? ["no answer"] : ["no answer", timeoutStatus(measured.contender)];
}

function timeoutStatus(contender: ContenderId): string {
  return contender === "redis" ? "503" : "504";
}

/**
 * Replies that were read have a verdict or are in flight, each counted once. An answer was accepted before it was given:
 * more are right than accepted only while the verdicts of the last ones are under way.
 */
function imbalancesOf({ read, verdicts, inFlight }: Ledger, right: number): string[] {
  const given = sumOf(Object.values(verdicts));
  const accepted = verdicts["accepted"] ?? 0;
  return [
    ...(read === given + inFlight
      ? []
      : [`${read} replies read, ${given} verdicts and ${inFlight} in flight`]),
    ...(right <= accepted + Math.max(0, inFlight) ? [] : [`${right} right answers, ${accepted} accepted`]),
  ];
}

function found(measured: Measured, times: number, what: string): string[] {
  return times === 0 ? [] : [`${placeOf(measured)}: ${times} ${what}`];
}

function placeOf({ unit, name, contender }: Measured): string {
  return `${unit}, ${name} (${contender})`;
}

function timesOf(fates: Measured["fates"], which: readonly string[]): number {
  return sumOf(which.map((fate) => fates[fate] ?? 0));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
