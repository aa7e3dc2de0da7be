// The charts of a run as SVG files: latency with the faults below it, memory and open files.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CustomSeriesOption } from "echarts";
import { chartText, chartTitle, drawChart, footAxis } from "../../../dev/charts.ts";
import { targets, type CallKind, type FaultLine } from "../journal.ts";
import { readSummary, type Answer, type Summary } from "./summary.ts";

/** Names of the files. */
export interface Charts {
  readonly latency: string;
  readonly resources: string;
}

const kindColours: Readonly<Record<CallKind, string>> = {
  plain: "#2563a8",
  keyed: "#2e7d32",
  async: "#8e44ad",
};
const faultColours: Readonly<Record<FaultLine["fault"], string>> = { kill: "#c62828", pause: "#e69a17" };
/** The axis that both charts have at their foot. */
const secondsSince = footAxis("seconds since the first call");
/** So many points of a line at most. */
const points = 90;
const shortestBinMs = 3_000;

/** Of the run in `folder`, into the folder `into`. */
export function writeCharts(folder: string, into: string, prefix: string): Charts {
  const summary = readSummary(folder);
  const charts = { latency: `${prefix}latency.svg`, resources: `${prefix}resources.svg` };
  writeFileSync(join(into, charts.latency), latencyChart(summary));
  writeFileSync(join(into, charts.resources), resourcesChart(summary));
  return charts;
}

/** Of answered calls, by when they were made: p50 and p99 of each kind. */
function latencyChart({ answers, faults, startedAt, run }: Summary): string {
  const lastAt = Math.max(...answers.map(({ askedAt }) => askedAt), ...faults.map(({ backAt }) => backAt));
  const binMs = Math.max(shortestBinMs, (lastAt - startedAt) / points);
  const seconds = (at: number) => (at - startedAt) / 1_000;
  const lines = (Object.keys(kindColours) as CallKind[]).flatMap((kind) =>
    [0.5, 0.99].map((share) => ({
      type: "line" as const,
      name: `${kind}, p${share * 100}`,
      symbol: "none",
      lineStyle: {
        width: share === 0.5 ? 2 : 1.2,
        type: share === 0.5 ? ("solid" as const) : ("dashed" as const),
      },
      color: kindColours[kind],
      data: binned(
        answers.filter((answer) => answer.kind === kind),
        { startedAt, binMs, share },
      ),
    })),
  );
  const bands = (Object.keys(faultColours) as FaultLine["fault"][]).flatMap((fault) => {
    const all = faults.filter((one) => one.fault === fault);
    const shade = {
      type: "line" as const,
      name: `${fault} shade`,
      data: [],
      markArea: {
        silent: true,
        itemStyle: { color: faultColours[fault], opacity: 0.13 },
        data: all.map(({ at, backAt }) => [{ xAxis: seconds(at) }, { xAxis: seconds(backAt) }]) as never,
      },
    };
    const lane = {
      type: "custom" as const,
      name: fault === "kill" ? "killed (-9)" : "stopped and continued",
      color: faultColours[fault],
      xAxisIndex: 1,
      yAxisIndex: 1,
      data: all.map(({ target, at, backAt }) => [seconds(at), seconds(backAt), targets.indexOf(target)]),
      renderItem: drawBar(faultColours[fault]),
      encode: { x: [0, 1], y: 2 },
    };
    return [shade, lane];
  });
  const xAxis = {
    type: "value" as const,
    min: 0,
    max: Math.ceil(seconds(lastAt) / 10) * 10,
    axisLabel: chartText,
  };
  return drawChart(520, {
    title: chartTitle(`Latency of answered calls, seed ${run.seed}`),
    legend: {
      top: 30,
      textStyle: chartText,
      data: [...lines.map(({ name }) => name), "killed (-9)", "stopped and continued"],
    },
    grid: [
      { left: 90, right: 30, top: 90, height: 250 },
      { left: 90, right: 30, top: 365, height: 100 },
    ],
    xAxis: [
      { ...xAxis, gridIndex: 0, axisLabel: { show: false } },
      { ...xAxis, ...secondsSince, gridIndex: 1 },
    ],
    yAxis: [
      { type: "log", gridIndex: 0, name: "ms", min: 10, axisLabel: chartText, nameTextStyle: chartText },
      { type: "category", gridIndex: 1, data: [...targets], inverse: true, axisLabel: chartText },
    ],
    series: [...bands, ...lines],
  });
}

/** One point for each bin; the line has a gap where nobody was answered. */
function binned(
  answers: readonly Answer[],
  { startedAt, binMs, share }: { readonly startedAt: number; readonly binMs: number; readonly share: number },
): [number, number | null][] {
  const bins = Map.groupBy(answers, ({ askedAt }) => Math.floor((askedAt - startedAt) / binMs));
  return Array.from({ length: Math.max(0, ...bins.keys()) + 1 }, (_, bin) => {
    const sorted = (bins.get(bin) ?? []).map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return [((bin + 0.5) * binMs) / 1_000, value === undefined ? null : Math.max(1, value)];
  });
}

function drawBar(fill: string): NonNullable<CustomSeriesOption["renderItem"]> {
  return (_, api) => {
    const lane = api.value(2);
    const [from = 0, y = 0] = api.coord([api.value(0), lane]);
    const [to = 0] = api.coord([api.value(1), lane]);
    return {
      type: "rect",
      // A pixel or two at least: some are over at once.
      shape: { x: from, y: y - 8, width: Math.max(2, to - from), height: 16 },
      style: { fill },
    };
  };
}

function resourcesChart({ resources, startedAt, run }: Summary): string {
  const processes = [...Map.groupBy(resources, ({ process }) => process)];
  const lines = processes.flatMap(([process, samples]) =>
    (["rssMiB", "openFiles"] as const).map((what, at) => ({
      type: "line" as const,
      name: process,
      symbol: "none",
      xAxisIndex: at,
      yAxisIndex: at,
      lineStyle: { width: 1.5 },
      data: samples.map((sample) => [(sample.at - startedAt) / 1_000, sample[what]]),
    })),
  );
  const xAxis = {
    type: "value" as const,
    min: 0,
    max: ({ max }: { max: number }) => Math.ceil(max / 10) * 10,
    axisLabel: chartText,
  };
  const yAxis = { type: "value" as const, axisLabel: chartText, nameTextStyle: chartText };
  return drawChart(560, {
    title: chartTitle(`Memory and open files of each process, seed ${run.seed}`),
    legend: { top: 30, textStyle: chartText },
    color: ["#2563a8", "#c62828", "#2e7d32", "#7cb342", "#8e44ad", "#777777"],
    grid: [
      { left: 90, right: 30, top: 90, height: 190 },
      { left: 90, right: 30, top: 335, height: 165 },
    ],
    xAxis: [
      { ...xAxis, gridIndex: 0 },
      { ...xAxis, ...secondsSince, gridIndex: 1 },
    ],
    yAxis: [
      { ...yAxis, gridIndex: 0, name: "MiB" },
      { ...yAxis, gridIndex: 1, name: "open files" },
    ],
    series: lines,
  });
}
