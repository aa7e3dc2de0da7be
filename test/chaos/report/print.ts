// A run's report in Markdown. What is counted is summary.ts, what is drawn charts.ts.

import { table } from "../../../dev/markdown.ts";
import { percentile } from "../../support/proof.ts";
import type { CheckReport } from "../checker/index.ts";
import { targets, type CallKind } from "../journal.ts";
import type { Charts } from "./charts.ts";
import { isAnswer, nameOutcome, recoveries, type Summary } from "./summary.ts";

const kinds = ["plain", "keyed", "async"] as const satisfies readonly CallKind[];

/** `charts`: their names, as seen from where the report is. */
export function printReport(summary: Summary, report: CheckReport, charts: Charts): string {
  return [
    headOf(summary),
    verdictOf(report),
    `![Latency of answered calls, and faults](${charts.latency})`,
    faultTable(summary),
    callTable(summary),
    outcomeTable(summary),
    checkerTable(report),
    leftOf(summary),
    `![Memory and open files](${charts.resources})`,
    resourceTable(summary),
  ].join("\n\n");
}

function headOf({ run: { seed, minutes, broken, commit } }: Summary): string {
  const gateway = broken === undefined ? "" : `, the broken gateway ${broken}`;
  return `Seed ${seed}, ${minutes} minutes${gateway}; commit ${commit}.`;
}

function verdictOf({ violations }: CheckReport): string {
  if (violations.length === 0) return "**0 violations.**";
  const byName = Map.groupBy(violations, ({ name }) => name);
  const shown = [...byName].map(
    ([name, all]) => `- ${name} (${all.length}): ${all[0]?.what.replaceAll("|", "\\|") ?? ""}`,
  );
  return [`**${violations.length} violations.**`, "", ...shown].join("\n");
}

function faultTable(summary: Summary): string {
  const rows = targets.flatMap((target) =>
    (["kill", "pause"] as const).map((fault) => {
      const all = summary.faults.filter((one) => one.target === target && one.fault === fault);
      const away = all.map(({ at, backAt }) => (backAt - at) / 1_000);
      const healed = recoveries(summary, target, fault).map((ms) => ms / 1_000);
      return [
        `${target} ${fault === "kill" ? "killed (-9)" : "stopped and continued"}`,
        all.length,
        away.length === 0 ? "–" : `${Math.min(...away).toFixed(1)} to ${Math.max(...away).toFixed(1)} s`,
        healed.length === 0
          ? "–"
          : `p50 ${percentile(healed, 0.5)} s, at most ${Math.max(...healed).toFixed(1)} s`,
      ];
    }),
  );
  const all = ["all", summary.faults.length, "", ""];
  return table(["fault", "times", "away", "first answer to a call made after it"], [...rows, all]);
}

function callTable({ calls, tries, answers }: Summary): string {
  const rows = [...kinds, "all" as const].map((kind) => {
    const isOf = (one: { readonly kind: CallKind }) => kind === "all" || one.kind === kind;
    const own = calls.filter(isOf);
    const made = tries.filter(isOf);
    const ended = (how: string) => own.filter((call) => call.ended === how).length;
    const took = answers.filter(isOf).map(({ tookMs }) => tookMs / 1_000);
    return [
      kind,
      own.length,
      ended("answered"),
      ended("refused"),
      ended("gave-up"),
      made.length,
      made.length - own.length,
      made.filter(isAnswer).length,
      took.length === 0 ? "–" : `p50 ${percentile(took, 0.5)} s, p99 ${percentile(took, 0.99)} s`,
    ];
  });
  const head = ["calls", "made", "answered", "refused", "given up", "HTTP requests", "of them again"];
  return table([...head, "answers (200)", "to the first answer"], rows);
}

function outcomeTable({ tries }: Summary): string {
  const counts = [...Map.groupBy(tries, (one) => `${one.asked}|${nameOutcome(one)}`)];
  const rows = counts
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, all]) => {
      const [asked = "", outcome = ""] = name.split("|");
      return [asked, outcome, ...kinds.map((kind) => all.filter((one) => one.kind === kind).length)];
    });
  return table(["asked", "outcome of an HTTP request", ...kinds], rows);
}

function checkerTable({ counts }: CheckReport): string {
  return table(["the checker saw", "times"], Object.entries(counts));
}

function leftOf({ end: { rows, alarms, errors } }: Summary): string {
  const said = errors.length === 0 ? "no line" : `${errors.length} lines`;
  return `After all retention: ${rows} rows and ${alarms} alarms of waiters on disk; ${said} of the gateway's log is an error.`;
}

function resourceTable({ resources }: Summary): string {
  const rows = [...Map.groupBy(resources, ({ process }) => process)].map(([process, samples]) => {
    const show = (values: readonly number[]) =>
      `${values[0]} → ${values.at(-1)}, at most ${Math.max(...values)}`;
    return [
      process,
      show(samples.map(({ rssMiB }) => rssMiB)),
      show(samples.map(({ openFiles }) => openFiles)),
    ];
  });
  return table(["process", "memory in MiB: first → last sample", "open files: first → last sample"], rows);
}
