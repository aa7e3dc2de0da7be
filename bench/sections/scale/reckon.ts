// From what one exchange, one waiter and one drain were measured to take, to what very many of them would need. Pure
// arithmetic; words and columns are in document.ts. Platform limits are as published, with their dates in docs/scale.md.

import type { Measurement, Unit } from "../../raw.ts";

/** Undefined: not measured yet. */
export interface PerUnit {
  /** Of workerd and bridge, for a plain wait in memory. */
  readonly kbPerWaiter: number | undefined;
  /** Of one core, for 10,000 of them. */
  readonly idleCpuPercent: number | undefined;
  /** Of a 202 on disk, its object out of memory. */
  readonly kbPerAsync: number | undefined;
  /** Replies that one drain handed to waiting callers in a second, while Worker and objects shared its thread. */
  readonly drainPerSecond: number | undefined;
  /** Of one exchange at half of the knee. */
  readonly workerdCpuMs: number | undefined;
  readonly bridgeCpuMs: number | undefined;
}

export interface Aim {
  readonly waiting: number;
  readonly perSecond: number;
}

export interface Need {
  /** How long each waits, on average: Little's law. */
  readonly waitSeconds: number;
  /** With the default capacity of a service, which is counted per isolate. */
  readonly isolates: number;
  readonly drains: number;
  readonly bridgeCores: number;
  readonly workerdCores: number;
  readonly waiterGb: number;
}

/** Where one deployment ends, in requests a second. */
export interface Ceiling {
  readonly what: string;
  readonly perSecond: number;
  readonly source: "measured here" | "published" | "our code";
}

/** Of a service, in one isolate. */
const defaultCapacity = 1_000;
/** Calls that one object takes in a second; softly. */
const objectCallsPerSecond = 1_000;
/** An isolate whose callers wait long nudges its drain so often in a second. */
const nudgesPerSecond = 1;
/** Calls of waiters that a drain has under way. */
const deliveriesAtOnce = 128;
/** From one object to another one on the other side of the same continent. */
export const farCallMs = 20;

export function perUnitOf(units: readonly Unit[]): PerUnit {
  const figures = new Map(
    units.flatMap(({ figures: of }) => of.map(({ id, value }) => [id, value] as const)),
  );
  const halves = units
    .flatMap(({ measurements }) => measurements)
    .filter(({ name, contender }) => name === "half-knee" && contender === "hearback-memory");
  return {
    kbPerWaiter: figures.get("open-10000.kb-per-waiter"),
    idleCpuPercent: figures.get("open-10000.idle-cpu-percent"),
    kbPerAsync: figures.get("async-30000.kb-per-waiter"),
    drainPerSecond: figures.get("burst-10000.replies-per-second"),
    workerdCpuMs: medianOf(halves.flatMap((each) => cpuMsOf(each, "workerd") ?? [])),
    bridgeCpuMs: medianOf(halves.flatMap((each) => cpuMsOf(each, "bridge") ?? [])),
  };
}

/** Undefined where something that it needs was not measured. */
export function needOf({ waiting, perSecond }: Aim, each: PerUnit): Need | undefined {
  const { kbPerWaiter, drainPerSecond, workerdCpuMs, bridgeCpuMs } = each;
  if (kbPerWaiter === undefined || drainPerSecond === undefined) return undefined;
  if (workerdCpuMs === undefined || bridgeCpuMs === undefined) return undefined;
  return {
    waitSeconds: waiting / perSecond,
    isolates: Math.ceil(waiting / defaultCapacity),
    drains: Math.ceil(perSecond / drainPerSecond),
    bridgeCores: (perSecond * bridgeCpuMs) / 1_000,
    workerdCores: (perSecond * workerdCpuMs) / 1_000,
    waiterGb: (waiting * kbPerWaiter) / 1e6,
  };
}

/** The lowest first. */
export function ceilingsOf(waitSeconds: number, each: PerUnit): readonly Ceiling[] {
  const { drainPerSecond, bridgeCpuMs } = each;
  const ceilings: (Ceiling | undefined)[] = [
    drainPerSecond === undefined
      ? undefined
      : { what: "one drain hands over so many replies", perSecond: drainPerSecond, source: "measured here" },
    bridgeCpuMs === undefined
      ? undefined
      : {
          what: "one bridge process fills one core",
          perSecond: 1_000 / bridgeCpuMs,
          source: "measured here",
        },
    {
      what: `a drain has ${deliveriesAtOnce} deliveries under way, each of ${farCallMs} ms`,
      perSecond: (deliveriesAtOnce * 1_000) / farCallMs,
      source: "our code",
    },
    {
      what: `nudges of all isolates meet in one drain, which takes some ${objectCallsPerSecond.toLocaleString("en-US")} calls`,
      perSecond: ((objectCallsPerSecond / nudgesPerSecond) * defaultCapacity) / waitSeconds,
      source: "published",
    },
  ];
  return ceilings.filter((ceiling) => ceiling !== undefined).toSorted((a, b) => a.perSecond - b.perSecond);
}

function cpuMsOf({ processes, fates }: Measurement, name: string): number | undefined {
  const used = processes.find((each) => each.name === name);
  const right = fates["right"] ?? 0;
  return used === undefined || right === 0 ? undefined : (used.cpuSeconds * 1_000) / right;
}

function medianOf(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
