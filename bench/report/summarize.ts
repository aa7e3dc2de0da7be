// What raw units come to: pure, and from them alone, so that whoever has them can make the same again.

import { contenderIds, type ContenderId } from "../contenders/contender.ts";
import { kneeOf, stepOf } from "../knee.ts";
import type { Unit } from "../raw.ts";
import {
  busiest,
  dueOf,
  latencyOf,
  measuredIn,
  medianOf,
  rounded,
  summarizeLoad,
  timesOf,
  type Measured,
} from "./loads.ts";
import { fixedRate, halfKnee, isCompared, isFounding, isRamp, isScale } from "./names.ts";
import type { ContenderSummary, FoundingSummary, ScaleSummary, Summary } from "./summary.ts";
import { judge } from "./targets.ts";

export function summarize(units: readonly Unit[]): Summary {
  const compared = measuredIn(units.filter(isCompared));
  const contenders = contenderIds
    .map((id) =>
      summarizeContender(
        id,
        compared.filter(({ contender }) => contender === id),
      ),
    )
    .filter(({ atFixedRate, atHalfKnee, knee }) => atFixedRate ?? atHalfKnee ?? knee);
  const founding = units.filter(isFounding).flatMap(summarizeFounding);
  const scale = units.filter(isScale).map(summarizeScale);
  const began = units.map(({ startedAt }) => startedAt).toSorted();
  const [from, to] = [began[0], began.at(-1)];
  return {
    targets: judge({ contenders, founding, scale, measured: measuredIn(units) }),
    commits: [...new Set(units.map(({ commit }) => commit))],
    ran: from === undefined || to === undefined ? null : { from, to },
    versions: versionsOf(units),
    contenders,
    founding,
    scale,
    remarks: units.flatMap(({ unit, remarks }) => remarks.map((remark) => ({ unit, remark }))),
  };
}

function summarizeContender(id: ContenderId, measured: readonly Measured[]): ContenderSummary {
  const called = (name: string) => {
    const own = measured.filter((each) => each.name === name);
    return own.length === 0 ? null : summarizeLoad(own);
  };
  const rounds = [...Map.groupBy(measured.filter(isRamp), ({ unit }) => unit)].map(([unit, ramp]) => {
    const perSecond = kneeOf(ramp.map(stepOf));
    const next = ramp.filter((each) => each.perSecond > perSecond).toSorted(bySpeed)[0];
    return { unit, perSecond, above: next === undefined ? "nothing was tried" : wordsOf(next) };
  });
  return {
    id,
    atFixedRate: called(fixedRate),
    atHalfKnee: called(halfKnee),
    knee: rounds.length === 0 ? null : { median: medianOf(rounds.map(({ perSecond }) => perSecond)), rounds },
  };
}

/** The slower one first; of one rate the repeat, which is what decided. */
function bySpeed(a: Measured, b: Measured): number {
  return a.perSecond - b.perSecond || b.name.length - a.name.length;
}

function wordsOf(measured: Measured): string {
  const times = timesOf(latencyOf([measured]));
  const p99 = times === null ? "" : `p99 ${Math.round(times.p99)} ms, `;
  return `${measured.perSecond}/s: ${p99}${seenIn(measured)}`;
}

function seenIn(measured: Measured): string {
  const fates = Object.entries(measured.fates).filter(([fate]) => fate !== "right");
  const busy = busiest(measured)
    .slice(0, 4)
    .map(([name, percent]) => `${name} ${percent} %`);
  return [
    ...fates.map(([fate, times]) => `${times} × ${fate}`),
    ...(busy.length === 0 ? [] : [`of a core: ${busy.join(", ")}`]),
  ].join("; ");
}

function summarizeFounding(unit: Unit): FoundingSummary[] {
  return measuredIn([unit]).map((measured) => {
    const { contender, perSecond, seconds, elapsedSeconds, fates } = measured;
    const right = fates["right"] ?? 0;
    const load = summarizeLoad([measured]);
    return {
      unit: unit.unit,
      contender,
      perSecond,
      seconds,
      times: load.times,
      throughput: rounded(right / elapsedSeconds),
      errorPercent: rounded((1 - right / Math.max(1, dueOf(fates))) * 100),
      load,
      seen: seenIn(measured),
      figures: unit.figures,
    };
  });
}

function summarizeScale(unit: Unit): ScaleSummary {
  return {
    unit: unit.unit,
    figures: unit.figures,
    loads: measuredIn([unit]).map((measured) => ({
      name: measured.name,
      contender: measured.contender,
      load: summarizeLoad([measured]),
    })),
  };
}

function versionsOf(units: readonly Unit[]): Record<string, readonly string[]> {
  const all = units.flatMap(({ versions }) => Object.entries(versions));
  const byName = [...Map.groupBy(all, ([name]) => name)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    byName.map(([name, found]) => [name, [...new Set(found.map(([, version]) => version))]]),
  );
}
