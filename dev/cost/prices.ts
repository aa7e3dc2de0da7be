// What Cloudflare asks for each thing it counts: the list of November 2026, as far as a deployment of Hearback uses it.
// Prices only; how many of each there are is in model.ts.

export interface Price {
  readonly name: string;
  /** USD for a million of it; for a whole one where `per` is 1. */
  readonly usd: number;
  readonly per: 1 | 1_000_000;
  /** A month, on Workers Paid, before it is charged for. */
  readonly included: number;
  /** On Workers Free: what one day may take. Undefined where Free has another kind of limit, or none. */
  readonly freeADay?: number;
  readonly source: string;
}

const workers = "https://developers.cloudflare.com/workers/platform/pricing/";
const objects = "https://developers.cloudflare.com/durable-objects/platform/pricing/";
const logs = "https://developers.cloudflare.com/workers/observability/logs/workers-logs/";

const million = 1_000_000;

export const prices = {
  workerRequests: {
    name: "Worker requests",
    usd: 0.3,
    per: million,
    included: 10 * million,
    freeADay: 100_000,
    source: workers,
  },
  workerCpuMs: {
    name: "Worker CPU, ms",
    usd: 0.02,
    per: million,
    included: 30 * million,
    source: workers,
  },
  objectRequests: {
    name: "object requests",
    usd: 0.15,
    per: million,
    included: million,
    freeADay: 100_000,
    source: objects,
  },
  objectGbSeconds: {
    name: "object duration, GB-s",
    usd: 12.5,
    per: million,
    included: 400_000,
    freeADay: 13_000,
    source: objects,
  },
  rowsWritten: {
    name: "rows written",
    usd: 1,
    per: million,
    included: 50 * million,
    freeADay: 100_000,
    source: objects,
  },
  rowsRead: {
    name: "rows read",
    usd: 0.001,
    per: million,
    included: 25_000 * million,
    freeADay: 5 * million,
    source: objects,
  },
  storedGbMonths: {
    name: "storage, GB-months",
    usd: 0.2,
    per: 1,
    included: 5,
    source: objects,
  },
  logEvents: {
    name: "log events",
    usd: 0.6,
    per: million,
    included: 20 * million,
    source: logs,
  },
} as const satisfies Readonly<Record<string, Price>>;

export type Item = keyof typeof prices;
export const items = Object.keys(prices) as readonly Item[];

/** USD a month of Workers Paid, whatever is used. */
export const monthlyMinimumUsd = 5;

/** An object is billed as so many GB for every second, whatever it uses (10^9 bytes, as in the platform's examples). */
export const objectGb = 0.128;

/** Of each item. */
export type Units = Readonly<Record<Item, number>>;

export const noUnits: Units = {
  workerRequests: 0,
  workerCpuMs: 0,
  objectRequests: 0,
  objectGbSeconds: 0,
  rowsWritten: 0,
  rowsRead: 0,
  storedGbMonths: 0,
  logEvents: 0,
};

export function sumOf(...all: readonly Partial<Units>[]): Units {
  return mapUnits(noUnits, (_, item) => all.reduce((sum, units) => sum + (units[item] ?? 0), 0));
}

export function timesOf(units: Units, factor: number): Units {
  return mapUnits(units, (count) => count * factor);
}

/** USD by the list, as if nothing were included. */
export function listPrice(units: Units): Units {
  return mapUnits(units, (count, item) => (count * prices[item].usd) / prices[item].per);
}

/** USD of a month on Workers Paid: what is beyond the included, and the minimum. Of an account with nothing else in it. */
export function monthlyBill(units: Units): number {
  const beyond = mapUnits(units, (count, item) => Math.max(0, count - prices[item].included));
  return monthlyMinimumUsd + totalOf(listPrice(beyond));
}

/** `withLogs`: what is logged is a setting of the deployment, and can be none of the rest's business. */
export function totalOf(usd: Units, { withLogs = true } = {}): number {
  return items.filter((item) => withLogs || item !== "logEvents").reduce((sum, item) => sum + usd[item], 0);
}

function mapUnits(units: Units, change: (count: number, item: Item) => number): Units {
  return Object.fromEntries(items.map((item) => [item, change(units[item], item)])) as unknown as Units;
}
