// What measurements of one kind come to together: those of all rounds as one, and each for itself.

import { decodeHistogram, mergeHistograms, percentileMs, type Histogram } from "../load/histogram.ts";
import type { Measurement, Unit } from "../raw.ts";

/** In ms. */
export interface Times {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface Round {
  readonly unit: string;
  readonly perSecond: number;
  /** Null where no answer was right. */
  readonly times: Times | null;
}

export interface LoadSummary {
  /** The median of its rounds. */
  readonly perSecond: number;
  /** Of the right answers of all rounds together; null without any. */
  readonly times: Times | null;
  readonly rounds: readonly Round[];
  readonly fates: Readonly<Record<string, number>>;
  /** CPU time by process, in ms for each request that was begun. */
  readonly cpuMs: Readonly<Record<string, number>>;
  /** Resident memory by process: the most of all rounds. */
  readonly peakMiB: Readonly<Record<string, number>>;
  /** By how much requests were begun late, p99 in ms: above a fraction of the latencies, the load program is the limit. */
  readonly latenessP99: number | null;
}

/** A measurement, and the unit that it is from. */
export interface Measured extends Measurement {
  readonly unit: string;
}

/** Processes that are the same for all; every other one is a contender's own. */
export const sharedProcesses = ["broker", "responder", "load"];

export function measuredIn(units: readonly Unit[]): readonly Measured[] {
  return units.flatMap(({ unit, measurements }) => measurements.map((each) => ({ ...each, unit })));
}

/** Throws without any. */
export function summarizeLoad(measured: readonly Measured[]): LoadSummary {
  const fates = sumOf(measured.map((each) => each.fates));
  const begun = begunOf(fates);
  const used = measured.flatMap(({ processes }) => processes);
  const cpuSeconds = sumOf(used.map(({ name, cpuSeconds: seconds }) => ({ [name]: seconds })));
  return {
    perSecond: medianOf(measured.map(({ perSecond }) => perSecond)),
    times: timesOf(latencyOf(measured)),
    rounds: measured.map((each) => ({
      unit: each.unit,
      perSecond: each.perSecond,
      times: timesOf(latencyOf([each])),
    })),
    fates,
    cpuMs: mapValues(cpuSeconds, (seconds) => (begun === 0 ? 0 : rounded((seconds * 1_000) / begun))),
    peakMiB: mapValues(
      Object.groupBy(used, ({ name }) => name),
      (all) => Math.round(Math.max(...(all ?? []).map(({ peakMiB }) => peakMiB))),
    ),
    latenessP99: finite(
      percentileMs(mergeHistograms(measured.map(({ lateness }) => decodeHistogram(lateness))), 99),
    ),
  };
}

/** Latencies of all of them. */
export function latencyOf(measured: readonly Measurement[]): Histogram {
  return mergeHistograms(measured.map(({ latency }) => decodeHistogram(latency)));
}

export function timesOf(histogram: Histogram): Times | null {
  if (histogram.totalCount === 0) return null;
  const at = (percent: number) => rounded(percentileMs(histogram, percent));
  return { p50: at(50), p95: at(95), p99: at(99), max: at(100) };
}

/** How many requests were due. */
export function dueOf(fates: Measurement["fates"]): number {
  return Object.values(fates).reduce((sum, times) => sum + times, 0);
}

function begunOf(fates: Measurement["fates"]): number {
  return dueOf(fates) - (fates["not sent"] ?? 0);
}

/** Of the processes, in per cent of one core, the busiest first. */
export function busiest({ processes, elapsedSeconds }: Measurement): [name: string, percent: number][] {
  return processes
    .map(({ name, cpuSeconds }): [string, number] => [name, Math.round((cpuSeconds / elapsedSeconds) * 100)])
    .toSorted(([, a], [, b]) => b - a);
}

/** Of the contender's own processes. */
export function ownOf(byProcess: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(byProcess).filter(([name]) => !sharedProcesses.includes(name)));
}

/** Throws without any. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error("there is no median of nothing");
  return (low + high) / 2;
}

/** To a thousandth: what is stored can be read. */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? rounded(value) : null;
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of all.flatMap((each) => Object.entries(each))) {
    sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  to: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, to(value)]));
}
