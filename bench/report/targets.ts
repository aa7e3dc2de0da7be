// The targets of the bench, one table: what each says, and whether what was measured reaches it. Pure.

import type { ContenderId } from "../contenders/contender.ts";
import { checkBooks, type Books } from "./books.ts";
import type { Figure } from "../raw.ts";
import { ownOf, rounded, type LoadSummary, type Measured, type Times } from "./loads.ts";
import type { ContenderSummary, FoundingSummary, ScaleSummary, TargetResult } from "./summary.ts";

export interface Facts {
  readonly contenders: readonly ContenderSummary[];
  readonly founding: readonly FoundingSummary[];
  readonly scale: readonly ScaleSummary[];
  readonly measured: readonly Measured[];
}

/** Undefined: not measured. */
type Finding = Pick<TargetResult, "value" | "reached" | "why"> | undefined;

interface Target {
  readonly id: string;
  readonly group: number;
  readonly target: string;
  readonly find: (facts: Facts) => Finding;
}

/** Whose targets these are: the storage of its objects is in memory. */
const ours: ContenderId = "hearback-memory";

/** Table "Combined" of founding document 004: 1,000 messages/s for 5 minutes, end to end. */
export const foundingDocument = {
  perSecond: 1_000,
  seconds: 300,
  throughput: 980,
  p50: 65,
  p95: 145,
  p99: 210,
  errorPercent: 0.1,
  memoryMiB: 450,
} as const;

/** Of one core, in per cent: below it are the timers of the runtime itself, and the clock of /proc is no finer. */
const idlePercent = 1;

export function judge(facts: Facts): TargetResult[] {
  return targets.map(({ id, group, target, find }) => {
    const { value, reached, why } = find(facts) ?? { value: "not measured", reached: false };
    return { id, group, target, value, reached, ...(reached || why === undefined ? {} : { why }) };
  });
}

const targets: readonly Target[] = [
  {
    id: "p50-vs-floor",
    group: 1,
    target: "p50 at 100/s is no more than 1.5 × that of the floor",
    find: (facts) => againstTime(facts, { load: "atFixedRate", time: "p50", other: "floor", most: 1.5 }),
  },
  ...(["nestjs", "spring", "kafka-hooks"] as const).map((other) => ({
    id: `p50-below-${other}`,
    group: 1,
    target: `p50 at 100/s is below that of ${other}`,
    find: (facts: Facts) => againstTime(facts, { load: "atFixedRate", time: "p50", other, below: 1 }),
  })),
  ...(["nestjs", "kafka-hooks"] as const).map((other) => ({
    id: `p99-below-${other}`,
    group: 2,
    target: `p99 at half of its own knee is below that of ${other} at half of its own`,
    find: (facts: Facts) => againstTime(facts, { load: "atHalfKnee", time: "p99", other, below: 1 }),
  })),
  {
    id: "p99-vs-spring",
    group: 2,
    target: "p99 at half of its own knee is no more than 1 × that of spring at half of its own",
    find: (facts) => againstTime(facts, { load: "atHalfKnee", time: "p99", other: "spring", most: 1 }),
  },
  ...(["nestjs", "kafka-hooks"] as const).map((other) => ({
    id: `knee-above-${other}`,
    group: 3,
    target: `the knee is above 1 × that of ${other}`,
    find: (facts: Facts) => againstKnee(facts, other, (ratio) => ratio > 1),
  })),
  {
    id: "knee-vs-spring",
    group: 3,
    target: "the knee is no less than 0.5 × that of spring",
    find: (facts) => againstKnee(facts, "spring", (ratio) => ratio >= 0.5),
  },
  ...(["p50", "p95", "p99"] as const).map((time) => ({
    id: `founding-${time}`,
    group: 4,
    target: `${time} at 1,000/s is below the founding document's ${foundingDocument[time]} ms`,
    find: (facts: Facts) =>
      inFounding(facts, ({ times }) =>
        times === null
          ? { value: "no right answer", reached: false }
          : { value: `${times[time]} ms`, reached: times[time] < foundingDocument[time] },
      ),
  })),
  {
    id: "founding-throughput",
    group: 4,
    target: `1,000/s for 5 minutes are answered at more than the founding document's ${foundingDocument.throughput}/s`,
    find: (facts) =>
      inFounding(facts, ({ throughput, seconds }) => ({
        value: `${throughput}/s for ${seconds} s`,
        reached: throughput > foundingDocument.throughput && seconds >= foundingDocument.seconds,
      })),
  },
  {
    id: "founding-errors",
    group: 4,
    target: `no error at 1,000/s (the founding document has ${foundingDocument.errorPercent} %)`,
    find: (facts) =>
      inFounding(facts, ({ errorPercent, load }) => ({
        value: `${errorPercent} %`,
        reached: Object.keys(load.fates).every((fate) => fate === "right"),
      })),
  },
  {
    id: "founding-backlog",
    group: 4,
    target: `the backlog at the end is flat: below what ${foundingDocument.p99} ms of requests are`,
    find: (facts) =>
      inFounding(facts, ({ figures, perSecond }) => {
        const most = valueIn(figures, "founding.backlog-max");
        const end = valueIn(figures, "founding.backlog-end");
        if (end === undefined) return undefined;
        const bound = (perSecond * foundingDocument.p99) / 1_000;
        return {
          value: `${end} at the end, ${most ?? "unknown"} at most, bound ${bound}`,
          reached: end < bound,
        };
      }),
  },
  {
    id: "waiting-memory",
    group: 5,
    target: "10,000 waiting requests take at most 40 kB each",
    find: (facts) => figureAtMost(facts, "open-10000.kb-per-waiter", 40, "kB"),
  },
  {
    id: "waiting-idle-cpu",
    group: 5,
    target: `while 10,000 requests wait no CPU is used: at most ${idlePercent} % of a core`,
    find: (facts) => figureAtMost(facts, "open-10000.idle-cpu-percent", idlePercent, "%"),
  },
  {
    id: "waiting-504",
    group: 5,
    target: "every 504 of 10,000 waiting requests comes within 50 ms of its deadline",
    find(facts) {
      const latest = figureAtMost(facts, "open-10000.late-504-max-ms", 50, "ms");
      const p99 = figureOf(facts, "open-10000.late-504-p99-ms");
      const others = figureOf(facts, "open-10000.other-ends") ?? 0;
      if (latest === undefined) return undefined;
      return {
        ...latest,
        value: `${latest.value} at most, p99 ${p99 === undefined ? "unknown" : rounded(p99)} ms, ${others} ended in another way`,
        reached: latest.reached && others === 0,
      };
    },
  },
  {
    id: "nothing-wrong",
    group: 6,
    target: "0 wrong answers, in every measurement of every contender",
    find: (facts) => inBooks(facts, ({ wrong, answers }) => counted(wrong, `of ${answers} answers`)),
  },
  {
    id: "nothing-lost",
    group: 6,
    target: "0 requests below the knee of their contender without an answer, or answered by their timeout",
    find: (facts) =>
      inBooks(facts, ({ lost, belowKnee }) =>
        belowKnee === 0 ? undefined : counted(lost, `of ${belowKnee} requests`),
      ),
  },
  {
    id: "ledger-balances",
    group: 6,
    target:
      "0 differences in Hearback's ledger: replies read are verdicts and what is in flight, and every right answer was accepted",
    find: (facts) =>
      inBooks(facts, ({ unbalanced, ledgers }) =>
        ledgers === 0 ? undefined : counted(unbalanced, `in ${ledgers} measurements`),
      ),
  },
];

interface TimeTarget {
  readonly load: "atFixedRate" | "atHalfKnee";
  readonly time: keyof Times;
  readonly other: ContenderId;
  /** The ratio that is still reached. */
  readonly most?: number;
  /** The ratio that is not. */
  readonly below?: number;
}

function againstTime({ contenders }: Facts, target: TimeTarget): Finding {
  const { load, time, other, most = Infinity, below = Infinity } = target;
  const [mine, theirs] = [ours, other].map((id) => contenders.find((each) => each.id === id)?.[load]);
  const [own, their] = [mine?.times?.[time], theirs?.times?.[time]];
  if (mine === null || mine === undefined || own === undefined || their === undefined) return undefined;
  const ratio = own / their;
  return {
    value: `${rounded(ratio)} × (${own} ms to ${their} ms)`,
    reached: ratio <= most && ratio < below,
    why: costOf(mine),
  };
}

function costOf(load: LoadSummary): string {
  const costs = Object.entries(ownOf(load.cpuMs)).map(([name, ms]) => `${name} ${ms} ms`);
  return `CPU for each request: ${costs.join(", ")}`;
}

function againstKnee(
  { contenders }: Facts,
  other: ContenderId,
  isReached: (ratio: number) => boolean,
): Finding {
  const [mine, theirs] = [ours, other].map((id) => contenders.find((each) => each.id === id)?.knee);
  if (mine === null || mine === undefined || theirs === null || theirs === undefined) return undefined;
  const rates = `${mine.median}/s to ${theirs.median}/s`;
  if (theirs.median === 0) return { value: rates, reached: mine.median > 0, why: "neither holds any rate" };
  const ratio = mine.median / theirs.median;
  const above = mine.rounds.map((round) => round.above);
  return {
    value: `${rounded(ratio)} × (${rates})`,
    reached: isReached(ratio),
    why: `above the knee: ${above.join(" | ")}`,
  };
}

function inFounding({ founding }: Facts, find: (measured: FoundingSummary) => Finding): Finding {
  const measured = founding.find(
    ({ unit, contender }) => unit === `founding-${foundingDocument.perSecond}` && contender === ours,
  );
  const finding = measured === undefined ? undefined : find(measured);
  return finding === undefined || measured === undefined ? undefined : { why: measured.seen, ...finding };
}

function figureOf({ scale }: Facts, id: string): number | undefined {
  return valueIn(
    scale.flatMap(({ figures }) => figures),
    id,
  );
}

/** A number that could not be had is stored as null. */
function valueIn(figures: readonly Figure[], id: string): number | undefined {
  const value = figures.find((figure) => figure.id === id)?.value;
  return Number.isFinite(value) ? value : undefined;
}

/** Of those that wait: a small run has fewer, and reaches nothing. */
function figureAtMost(facts: Facts, id: string, most: number, unit: string): Finding {
  const value = figureOf(facts, id);
  const open = figureOf(facts, "open-10000.open") ?? 0;
  if (value === undefined) return undefined;
  return {
    value: `${rounded(value)} ${unit}`,
    reached: value <= most && open >= wantedOpen,
    why: `${open} of ${wantedOpen} were open at once`,
  };
}

const wantedOpen = 10_000;

function inBooks({ measured, contenders }: Facts, find: (books: Books) => Finding): Finding {
  return measured.length === 0 ? undefined : find(checkBooks(measured, contenders));
}

/** So many of what was found are named. */
const named = 5;

function counted(found: readonly string[], of: string): Finding {
  const more = found.length > named ? [`and ${found.length - named} more`] : [];
  return {
    value: found.length === 0 ? `0 ${of}` : `${found.length} places, ${of}`,
    reached: found.length === 0,
    why: [...found.slice(0, named), ...more].join("; "),
  };
}
