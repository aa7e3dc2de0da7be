// The tables of docs/scale.md, from the figures of a run and from the cost model. What surrounds them is written by hand.

import { defaultWorkload } from "../../../dev/cost/options.ts";
import { perMonth, perRequest, type Measured } from "../../../dev/cost/model.ts";
import { listPrice, timesOf, totalOf } from "../../../dev/cost/prices.ts";
import { table } from "../../../dev/markdown.ts";
import type { Figure, Unit } from "../../raw.ts";
import { ceilingsOf, needOf, perUnitOf, type Aim } from "./reckon.ts";

export const aim: Aim = { waiting: 1_000_000, perSecond: 100_000 };

const notMeasured = "not measured yet";

/** By the name in the mark. */
export function scaleTables(units: readonly Unit[], measured: Measured): Readonly<Record<string, string>> {
  return {
    figures: figureTable(units),
    each: eachTable(units),
    need: needTable(units, measured),
    ceilings: ceilingTable(units),
  };
}

function figureTable(units: readonly Unit[]): string {
  const figures = units.filter(({ unit }) => unit.startsWith("scale-")).flatMap(({ figures: of }) => of);
  return table(
    ["subject", "what", "value"],
    figures.length === 0
      ? [[notMeasured, "", ""]]
      : figures.map((figure) => [figure.id.slice(0, figure.id.indexOf(".")), figure.what, valueOf(figure)]),
    2,
  );
}

function eachTable(units: readonly Unit[]): string {
  const each = perUnitOf(units);
  return table(
    ["measured", "value"],
    [
      ["a plain wait, in workerd and bridge", said(each.kbPerWaiter, "kB")],
      ["10,000 of them while nothing happens, of one core", said(each.idleCpuPercent, "%")],
      ["a 202 whose object is out of memory", said(each.kbPerAsync, "kB")],
      ["replies that one drain hands over, on one thread with all else", said(each.drainPerSecond, "1/s")],
      ["CPU of one exchange in workerd: Worker, waiter and drain", said(each.workerdCpuMs, "ms")],
      ["CPU of one exchange in the bridge", said(each.bridgeCpuMs, "ms")],
    ],
  );
}

function needTable(units: readonly Unit[], measured: Measured): string {
  const need = needOf(aim, perUnitOf(units));
  const workload = {
    ...defaultWorkload,
    ratePerSecond: aim.perSecond,
    waitSeconds: aim.waiting / aim.perSecond,
    timeoutSeconds: (3 * aim.waiting) / aim.perSecond,
    durableShare: 0,
    isolates: aim.waiting / 1_000,
  };
  const million = listPrice(timesOf(perRequest(workload, "hearback", measured).low, 1_000_000));
  const month = listPrice(perMonth(workload, "hearback", measured).low);
  return table(
    [`${count(aim.waiting)} waiting, ${count(aim.perSecond)} requests/s`, "needed"],
    [
      ["mean wait", `${aim.waiting / aim.perSecond} s`],
      ["objects alive", count(aim.waiting)],
      ["new objects a second", count(aim.perSecond)],
      ["isolates of the Worker, at the default capacity of 1,000", count(aim.waiting / 1_000)],
      ["memory of what waits, as here", need === undefined ? notMeasured : `${need.waiterGb.toFixed(0)} GB`],
      [
        "cores of Worker, waiters and drains, as here",
        need === undefined ? notMeasured : count(Math.ceil(need.workerdCores)),
      ],
      [
        "drains, each of a deployment with reply partitions of its own",
        need === undefined ? notMeasured : count(need.drains),
      ],
      ["reply partitions, at least", need === undefined ? notMeasured : count(need.drains)],
      ["cores of bridges", need === undefined ? notMeasured : count(Math.ceil(need.bridgeCores))],
      ["USD per million requests, without logs", totalOf(million, { withLogs: false }).toFixed(2)],
      ["USD a month, without logs", count(Math.round(totalOf(month, { withLogs: false })))],
    ],
  );
}

function ceilingTable(units: readonly Unit[]): string {
  const ceilings = ceilingsOf(aim.waiting / aim.perSecond, perUnitOf(units));
  return table(
    ["what ends one deployment", "at requests/s", "for all of it", "source"],
    ceilings.map(({ what, perSecond, source }) => [
      what,
      count(Math.round(perSecond)),
      `${count(Math.ceil(aim.perSecond / perSecond))} deployments`,
      source,
    ]),
  );
}

const count = (value: number): string => value.toLocaleString("en-US");

function valueOf({ value, unit }: Figure): string {
  return said(value, unit);
}

function said(value: number | undefined, unit: string): string {
  if (value === undefined) return notMeasured;
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "" ? number : `${number} ${unit}`;
}
