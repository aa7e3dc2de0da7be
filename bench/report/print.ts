// The report in Markdown. What is counted is summarize.ts, what is drawn charts.ts.

import { table } from "../../dev/markdown.ts";
import type { ContenderId } from "../contenders/contender.ts";
import { kneeP99Ms } from "../knee.ts";
import type { Figure } from "../raw.ts";
import { chartFiles } from "./charts.ts";
import type { Environment } from "./environment.ts";
import { nothing, show, showEach, showFates, showTimes, sumOfEach } from "./figures.ts";
import { ownOf, sharedProcesses, type LoadSummary } from "./loads.ts";
import type { ContenderSummary, FoundingSummary, ScaleSummary, Summary } from "./summary.ts";
import { foundingDocument } from "./targets.ts";

export function printReport(summary: Summary, environment: Environment): string {
  const { contenders, founding, scale, remarks } = summary;
  const compared = contenders.length === 0 ? [] : comparison(contenders, environment);
  const sections = [
    "# What the bench measured",
    "Written by `npm run bench` from the files in `raw/`; `npm run bench -- --verify` computes it again. All latencies are in ms, from the time at which a request was due, of right answers. " +
      "All contenders ran on one machine, one after the other, beside the broker, the responder and the load program: compare them with each other, and with nothing measured elsewhere.",
    "## Targets",
    targetTable(summary),
    whyList(summary),
    ...compared,
    ...(founding.length === 0
      ? []
      : ["## The founding document's table", ...foundingTables(summary, environment)]),
    ...(scale.length === 0 ? [] : ["## Scale", ...scale.flatMap((unit) => scaleTables(unit, environment))]),
    ...(remarks.length === 0 ? [] : ["## Remarks", remarkList(summary)]),
    "## Machine and settings",
    machineTable(summary, environment),
    "## Versions",
    versionTable(summary),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function targetTable({ targets }: Summary): string {
  return table(
    ["", "target", "measured", "reached", "id"],
    targets.map(({ id, group, target, value, reached }) => [
      `${group}`,
      cell(target),
      cell(value),
      reached ? "yes" : "**no**",
      `\`${id}\``,
    ]),
    5,
  );
}

function whyList({ targets }: Summary): string {
  return targets
    .flatMap(({ id, why }) => (why === undefined ? [] : [`- \`${id}\`: ${cell(why)}`]))
    .join("\n");
}

function comparison(contenders: readonly ContenderSummary[], { titles }: Environment): string[] {
  const floor = contenders.find(({ id }) => id === "floor")?.atFixedRate?.times?.p50;
  const loads = (which: "atFixedRate" | "atHalfKnee") =>
    contenders.flatMap(({ id, [which]: load }) => (load === null ? [] : [{ id, load }]));
  return [
    "## Side by side",
    "### At 100 requests/s",
    table(
      ["contender", "p50", "p95", "p99", "max", "p50 to the floor's", "p50 by round", "spread"],
      loads("atFixedRate").map(({ id, load }) => [
        titles[id],
        ...showTimes(load.times),
        floor === undefined || load.times === null ? nothing : `${show(load.times.p50 / floor)} ×`,
        ...byRound(load, "p50"),
      ]),
    ),
    "### Knee",
    `The highest rate, in requests per second, with a p99 below ${kneeP99Ms} ms and nothing but right answers.`,
    table(
      ["contender", "knee", "by round", "above it, in the last round"],
      contenders.map(({ id, knee }) => [
        titles[id],
        show(knee?.median),
        knee === null ? nothing : knee.rounds.map(({ perSecond }) => show(perSecond)).join(", "),
        cell(knee?.rounds.at(-1)?.above ?? nothing),
      ]),
      1,
    ),
    image("p99 of each rate of the ramp", chartFiles.ramp),
    "### At half of its own knee",
    table(
      ["contender", "requests/s", "p50", "p95", "p99", "max", "p99 by round", "spread"],
      loads("atHalfKnee").map(({ id, load }) => [
        titles[id],
        show(load.perSecond),
        ...showTimes(load.times),
        ...byRound(load, "p99"),
      ]),
    ),
    image("Latency by percentile", chartFiles.latency),
    "### CPU and memory",
    "CPU time is user and system time, in ms for each request that was begun; memory is the most that was resident, in MiB. What is late is the load program: by how much it began requests after they were due, p99 in ms. The floor has no process of its own: its client is part of the load program.",
    ...(["atFixedRate", "atHalfKnee"] as const).map((which) =>
      useTable(which === "atFixedRate" ? "at 100/s" : "at half of the knee", loads(which), titles),
    ),
    image("CPU time of a request, by process", chartFiles.cpu),
  ];
}

/** Each round's, and how far apart the lowest and the highest are. */
function byRound({ rounds }: LoadSummary, time: "p50" | "p99"): [string, string] {
  const all = rounds.flatMap(({ times }) => (times === null ? [] : [times[time]]));
  if (all.length === 0) return [nothing, nothing];
  return [all.map(show).join(", "), show(Math.max(...all) - Math.min(...all))];
}

function useTable(
  where: string,
  loads: readonly { readonly id: ContenderId; readonly load: LoadSummary }[],
  titles: Environment["titles"],
): string {
  const rows = loads.map(({ id, load }) => [
    titles[id],
    show(sumOfEach(ownOf(load.cpuMs))),
    showEach(ownOf(load.cpuMs)),
    ...sharedProcesses.map((name) => show(load.cpuMs[name])),
    showEach(ownOf(load.peakMiB)),
    show(load.latenessP99),
  ]);
  const shared = sharedProcesses.map((name) => `${name}, ms`);
  return table([where, "own, ms", "of it", ...shared, "own memory, MiB", "late, ms"], rows);
}

function foundingTables({ founding }: Summary, { titles }: Environment): string[] {
  const document = foundingDocument;
  const rows = founding.map((measured) => {
    const { unit, contender, perSecond, seconds, times, throughput, errorPercent, load } = measured;
    return [
      `${unit}, ${titles[contender]}`,
      `${show(perSecond)}/s, ${seconds} s`,
      ...showTimes(times),
      show(throughput),
      show(errorPercent),
      show(sumOfEach(ownOf(load.peakMiB))),
    ];
  });
  const theirs = [
    "founding document 004",
    `${show(document.perSecond)}/s, ${document.seconds} s`,
    ...[document.p50, document.p95, document.p99].map(show),
    nothing,
    ...[document.throughput, document.errorPercent, document.memoryMiB].map(show),
  ];
  return [
    "Vectors of 128 features through the whole loop. Its memory is that of its processing job, ours that of the gateway's processes together.",
    table(
      ["", "load", "p50", "p95", "p99", "max", "right answers/s", "errors, %", "memory, MiB"],
      [theirs, ...rows],
    ),
    ...founding.map(foundingDetails),
  ];
}

function foundingDetails({ unit, contender, load, seen, figures }: FoundingSummary): string {
  const lines = [
    `- ${unit}, ${contender}: ${showFates(load)}. ${cell(seen)}`,
    ...figures.map((figure) => `- ${unit}: ${figure.what}: ${showFigure(figure)}`),
  ];
  return lines.join("\n");
}

function scaleTables({ unit, figures, loads }: ScaleSummary, { titles }: Environment): string[] {
  return [
    `### ${unit}`,
    figures.length === 0
      ? ""
      : table(
          ["what", "value"],
          figures.map((figure) => [cell(figure.what), showFigure(figure)]),
        ),
    loads.length === 0
      ? ""
      : table(
          ["load", "contender", "requests/s", "p50", "p95", "p99", "max", "ended"],
          loads.map(({ name, contender, load }) => [
            name,
            titles[contender],
            show(load.perSecond),
            ...showTimes(load.times),
            showFates(load),
          ]),
          2,
        ),
  ];
}

function showFigure({ value, unit }: Figure): string {
  return `${show(value)} ${unit}`.trim();
}

function remarkList({ remarks }: Summary): string {
  return remarks.map(({ unit, remark }) => `- ${unit}: ${cell(remark)}`).join("\n");
}

function machineTable({ commits, ran }: Summary, { machine, settings }: Environment): string {
  return table(
    ["", "what"],
    [
      ["processor", `${machine.processor}, ${machine.cores} cores`],
      ["memory", `${machine.memoryGiB} GiB`],
      ["kernel", machine.kernel],
      ["Node", machine.node],
      ["Java", machine.java],
      [commits.length === 1 ? "commit" : "commits", commits.join(", ")],
      ["units begun", ran === null ? nothing : `${ran.from} to ${ran.to}`],
      ...Object.entries(settings),
    ],
    2,
  );
}

function versionTable({ versions }: Summary): string {
  return table(
    ["of", "version"],
    Object.entries(versions).map(([name, found]) => [name, found.join(", ")]),
    2,
  );
}

function image(what: string, file: string): string {
  return `![${what}](${file})`;
}

/** What was said elsewhere, as a cell of a table can hold it. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
