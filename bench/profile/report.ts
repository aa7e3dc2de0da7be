// What was measured as a page: the steps of an exchange, CPU by process and part, and the names of the flame graphs.

import { decodeHistogram, percentileMs } from "../load/histogram.ts";
import type { Machine } from "../machine.ts";
import { asides, steps, stepTimes, type Marks } from "./marks.ts";
import type { CpuProfiles, LoadSettings, ProcessProfile } from "./run.ts";
import { garbageCollection, selfMsByFunction, selfMsByPart, type Stack } from "./samples.ts";

export interface Findings {
  readonly machine: Machine;
  readonly commit: string;
  readonly marks: Marks;
  readonly stepsLoad: LoadSettings;
  readonly cpu: CpuProfiles;
  /** File names by process. */
  readonly graphs: ReadonlyMap<string, string>;
}

/** Parts that take less are summed up. */
const leastShare = 0.01;
const functions = 15;

export function profilePage({ machine, commit, marks, stepsLoad, cpu, graphs }: Findings): string {
  const { measurement, processes } = cpu;
  const answered = measurement.fates["right"] ?? 0;
  const latency = decodeHistogram(measurement.latency);
  const others = Object.entries(measurement.fates)
    .filter(([fate]) => fate !== "right")
    .map(([fate, count]) => `${count} ${fate}`);
  const all = processes.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  return [
    "# Where one exchange goes",
    "",
    "Written by `npm run bench:profile`: Hearback with its waiters in memory, one broker, the kit as responder, all on one",
    `machine (${machine.processor}, ${machine.cores} cores; Node ${machine.node}, Java ${machine.java}), commit ${commit}.`,
    "",
    "## Time",
    "",
    `At ${stepsLoad.rate} requests/s for ${stepsLoad.seconds} s, in ms. Medians of steps need not add up to the median of the whole.`,
    "",
    ...table(
      ["step", "p50", "p90", "exchanges"],
      stepTimes(marks, steps).map(({ what, p50, p90, count }) => [
        what,
        p50.toFixed(2),
        p90.toFixed(2),
        `${count}`,
      ]),
    ),
    "",
    "Beside the way of the exchange:",
    "",
    ...table(
      ["step", "p50", "p90", "exchanges"],
      stepTimes(marks, asides).map(({ what, p50, p90, count }) => [
        what,
        p50.toFixed(2),
        p90.toFixed(2),
        `${count}`,
      ]),
    ),
    "",
    "## CPU",
    "",
    `At ${measurement.perSecond} requests/s for ${measurement.seconds} s, profilers included: ${answered} right answers` +
      `${others.length === 0 ? "" : `, ${others.join(", ")}`}; p50 ${percentileMs(latency, 50).toFixed(1)} ms, ` +
      `p99 ${percentileMs(latency, 99).toFixed(1)} ms.`,
    "",
    ...table(
      ["process", "CPU ms per exchange", "share"],
      processes.map(({ name, cpuMs }) => [name, perExchange(cpuMs, answered), percent(cpuMs / all)]),
    ),
    ...processes.flatMap((each) => processSection(each, answered, graphs.get(each.name))),
    "",
  ].join("\n");
}

function processSection(
  { name, cpuMs, stacks, native, threads }: ProcessProfile,
  answered: number,
  graph: string | undefined,
): readonly string[] {
  if (stacks === undefined && threads === undefined) return [];
  const rows = (entries: readonly (readonly [string, number])[]): readonly string[] =>
    table(
      ["of", "CPU ms per exchange", "share"],
      summedUp(entries, cpuMs).map(([part, ms]) => [part, perExchange(ms, answered), percent(ms / cpuMs)]),
    );
  return [
    "",
    `### ${name}`,
    "",
    ...(threads === undefined ? [] : rows([...threads].toSorted(([, one], [, other]) => other - one))),
    ...(stacks === undefined ? [] : [...rows(partsOf(stacks, cpuMs)), ...busiest(stacks, answered, graph)]),
    ...(native === undefined
      ? []
      : [
          "",
          "The same process as `perf` sees it, all threads:",
          "",
          ...rows(native.map(({ part, share }) => [part, share * cpuMs])),
        ]),
  ];
}

/**
 * What is JavaScript by part, then the rest: what runs beside it or below it. Samples are taken by the clock: where the
 * machine had others to serve they come to more than the CPU, and are then scaled to it.
 */
function partsOf(stacks: readonly Stack[], cpuMs: number): readonly (readonly [string, number])[] {
  const parts = [...selfMsByPart(stacks)];
  const known = parts.reduce((sum, [, ms]) => sum + ms, 0);
  const scale = Math.min(1, cpuMs / known);
  const named = parts.map(
    ([part, ms]) =>
      [part === garbageCollection ? "garbage collection, main thread" : part, ms * scale] as const,
  );
  return [...named, ["native code, other threads, kernel", Math.max(0, cpuMs - known)]];
}

function busiest(stacks: readonly Stack[], answered: number, graph: string | undefined): readonly string[] {
  return [
    "",
    ...(graph === undefined ? [] : [`![flame graph](${graph})`, ""]),
    "Functions with most time of their own, in µs per exchange:",
    "",
    ...table(
      ["function", "of", "µs"],
      selfMsByFunction(stacks, functions).map(({ name, part, ms }) => [
        `\`${name}\``,
        part,
        ((1_000 * ms) / answered).toFixed(1),
      ]),
    ),
  ];
}

function summedUp(
  entries: readonly (readonly [string, number])[],
  all: number,
): readonly (readonly [string, number])[] {
  const large = entries.filter(([, ms]) => ms / all >= leastShare);
  const rest = entries.filter(([, ms]) => ms / all < leastShare).reduce((sum, [, ms]) => sum + ms, 0);
  return rest === 0 ? large : [...large, ["others", rest]];
}

function perExchange(ms: number, answered: number): string {
  return (ms / answered).toFixed(3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...rows.map(line)];
}
