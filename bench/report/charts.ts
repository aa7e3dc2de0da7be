// The charts of the comparison as SVG: latency by percentile, p99 against the rate, and CPU time of a request.

import type { BarSeriesOption, LineSeriesOption } from "echarts";
import { chartText, chartTitle, chartWidth, drawChart, footAxis } from "../../dev/charts.ts";
import { contenderIds, type ContenderId } from "../contenders/contender.ts";
import { kneeP99Ms } from "../knee.ts";
import { percentileMs } from "../load/histogram.ts";
import type { Unit } from "../raw.ts";
import type { Environment } from "./environment.ts";
import { latencyOf, measuredIn, medianOf, sharedProcesses, type Measured } from "./loads.ts";
import { fixedRate, halfKnee, isCompared, isRamp } from "./names.ts";
import type { ContenderSummary } from "./summary.ts";

export const chartFiles = { latency: "latency.svg", ramp: "ramp.svg", cpu: "cpu.svg" } as const;

type Titles = Environment["titles"];

const colours: Readonly<Record<ContenderId, string>> = {
  floor: "#777777",
  "hearback-memory": "#c62828",
  "hearback-disk": "#e69a17",
  nestjs: "#2563a8",
  spring: "#2e7d32",
  "kafka-hooks": "#8e44ad",
  redis: "#00838f",
};
/** Of own processes, in the order in which they are met; those that all share are grey. */
const processColours = ["#2563a8", "#e69a17", "#2e7d32", "#8e44ad", "#c62828", "#00838f", "#7cb342"];
const sharedColours = ["#5f6368", "#9aa0a6", "#cfd3d7"];
/** Between the powers of ten that a log axis names. */
const finer = {
  minorTick: { show: true, splitNumber: 9 },
  minorSplitLine: { show: true },
} as const;
const msAxis = {
  type: "log" as const,
  ...finer,
  name: "ms",
  axisLabel: { ...chartText, formatter: (value: number) => value.toLocaleString("en-US") },
  nameTextStyle: chartText,
};
/** Beside the chart: titles of contenders may be long. */
const legend = {
  orient: "vertical",
  right: 20,
  top: 70,
  textStyle: { ...chartText, width: 190, overflow: "break" },
} as const;
const grid = { left: 80, right: 280 };

/** What tables say, which the axis does not name. */
const percentileLines: NonNullable<LineSeriesOption["markLine"]> = {
  silent: true,
  symbol: "none",
  lineStyle: { color: "#333333", type: "dotted" },
  label: { ...chartText, formatter: "{b}" },
  data: [50, 95, 99].map((percent) => ({ name: `p${percent}`, xAxis: 100 / (100 - percent) })),
};

/**
 * At 100/s above, at half of each knee below. The axis gives every nine the same room: 1 is 0 %, 10 is 90 %, 100 is 99 %.
 */
export function latencyChart(units: readonly Unit[], titles: Titles): string {
  const measured = measuredIn(units.filter(isCompared));
  const panels = [
    { name: fixedRate, title: "at 100 requests/s", top: 85 },
    { name: halfKnee, title: "at half of each one's own knee", top: 440 },
  ];
  const height = 260;
  const series = panels.flatMap(({ name }, at) =>
    present(measured).map((id, nth): LineSeriesOption => ({
      type: "line",
      name: titles[id],
      color: colours[id],
      symbol: "none",
      ...(nth === 0 ? { markLine: percentileLines } : {}),
      xAxisIndex: at,
      yAxisIndex: at,
      data: curve(measured.filter((each) => each.name === name && each.contender === id)),
    })),
  );
  return drawChart(765, {
    title: [
      chartTitle("Latency by percentile"),
      ...panels.map(({ title, top }) => ({
        text: title,
        left: (grid.left + chartWidth - grid.right) / 2,
        textAlign: "center" as const,
        top: top - 42,
        textStyle: { ...chartText, fontSize: 13 },
      })),
    ],
    legend,
    grid: panels.map(({ top }) => ({ ...grid, top, height })),
    xAxis: panels.map((_, gridIndex) => ({
      type: "log" as const,
      gridIndex,
      min: 1,
      ...footAxis("percentile"),
      axisLabel: { ...chartText, formatter: (share: number) => `${percentOf(share)} %` },
    })),
    yAxis: panels.map((_, gridIndex) => ({ ...msAxis, gridIndex })),
    series,
  });
}

function percentOf(share: number): string {
  return String(Math.round((100 - 100 / share) * 100_000) / 100_000);
}

/** Up to the percentile that the last of all answers stands for. */
function curve(measured: readonly Measured[]): [number, number][] {
  const histogram = latencyOf(measured);
  const last = histogram.totalCount;
  if (last === 0) return [];
  const pointsForEachNine = 20;
  const points = Math.ceil(Math.log10(last) * pointsForEachNine);
  return Array.from({ length: points + 1 }, (_, point) => {
    const share = Math.min(last, 10 ** (point / pointsForEachNine));
    return [share, percentileMs(histogram, 100 - 100 / share)];
  });
}

/** p99 of every rate that was tried, of all rounds; a triangle is a rate with answers that were not right. */
export function rampChart(units: readonly Unit[], titles: Titles): string {
  const ramp = measuredIn(units.filter(isCompared)).filter(isRamp);
  const kneeLine: NonNullable<LineSeriesOption["markLine"]> = {
    silent: true,
    symbol: "none",
    lineStyle: { color: "#333333", type: "dashed" },
    label: { ...chartText, formatter: `knee: p99 of ${kneeP99Ms} ms`, position: "insideStartTop" },
    data: [{ yAxis: kneeP99Ms }],
  };
  const series = present(ramp).map((id, at): LineSeriesOption => ({
    type: "line",
    name: titles[id],
    color: colours[id],
    symbol: "circle",
    data: ratesOf(ramp.filter(({ contender }) => contender === id)),
    ...(at === 0 ? { markLine: kneeLine } : {}),
  }));
  return drawChart(520, {
    title: chartTitle("p99 against the rate, median of the rounds; a triangle: not every answer was right"),
    legend,
    grid: { ...grid, top: 70, bottom: 60 },
    xAxis: {
      type: "log",
      ...footAxis("requests per second"),
      min: 100,
      axisLabel: { ...chartText, formatter: (value: number) => value.toLocaleString("en-US") },
      ...finer,
    },
    yAxis: msAxis,
    series,
  });
}

function ratesOf(steps: readonly Measured[]): NonNullable<LineSeriesOption["data"]> {
  const byRate = [...Map.groupBy(steps, ({ perSecond }) => perSecond)].toSorted(([a], [b]) => a - b);
  return byRate.flatMap(([perSecond, all]) => {
    const p99s = all.map((step) => percentileMs(latencyOf([step]), 99)).filter(Number.isFinite);
    if (p99s.length === 0) return [];
    const allRight = all.every(({ fates }) => Object.keys(fates).every((fate) => fate === "right"));
    return [
      {
        value: [perSecond, medianOf(p99s)],
        symbol: allRight ? "circle" : "triangle",
        symbolSize: allRight ? 5 : 10,
      },
    ];
  });
}

/** Two bars for each contender: at 100/s, and at half of its knee. */
export function cpuChart(contenders: readonly ContenderSummary[], titles: Titles): string {
  const bars = contenders.flatMap(({ id, atFixedRate, atHalfKnee }) =>
    [atFixedRate, atHalfKnee]
      .filter((load) => load !== null)
      .map((load) => ({ title: `${titles[id]}, at ${Math.round(load.perSecond)}/s`, load })),
  );
  const names = [...new Set(bars.flatMap(({ load }) => Object.keys(load.cpuMs)))];
  const own = names.filter((name) => !sharedProcesses.includes(name));
  const series = [...own, ...sharedProcesses].map((name): BarSeriesOption => ({
    type: "bar",
    name,
    stack: "cpu",
    color: own.includes(name)
      ? (processColours[own.indexOf(name) % processColours.length] ?? "#000000")
      : (sharedColours[sharedProcesses.indexOf(name)] ?? "#000000"),
    data: bars.map(({ load }) => load.cpuMs[name] ?? 0),
  }));
  return drawChart(150 + bars.length * 26, {
    title: chartTitle("CPU time of a request, by process; what is grey is the same for all"),
    // Its widths are estimates: fonts differ.
    legend: { top: 30, itemGap: 30, textStyle: chartText },
    grid: { left: 300, right: 40, top: 90, bottom: 55 },
    xAxis: { type: "value", ...footAxis("ms of CPU for each request"), axisLabel: chartText },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map(({ title }) => title),
      axisLabel: { ...chartText, width: chartWidth / 4, overflow: "truncate" },
    },
    series,
  });
}

/** Those that were measured, in the order of all tables. */
function present(measured: readonly Measured[]): ContenderId[] {
  return contenderIds.filter((id) => measured.some(({ contender }) => contender === id));
}
