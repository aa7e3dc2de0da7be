// Numbers as tables show them.

import type { LoadSummary, Times } from "./loads.ts";

export const nothing = "–";

/** To three digits or so. Without a number: that there is none. */
export function show(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return nothing;
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** p50, p95, p99 and the longest. */
export function showTimes(times: Times | null | undefined): string[] {
  return (["p50", "p95", "p99", "max"] as const).map((time) => show(times?.[time]));
}

/** The most frequent first. */
export function showFates({ fates }: Pick<LoadSummary, "fates">): string {
  const sorted = Object.entries(fates).toSorted(([, a], [, b]) => b - a);
  return sorted.map(([fate, times]) => `${fate} ${times.toLocaleString("en-US")}`).join(", ");
}

/** `a 1, b 2`. */
export function showEach(byName: Readonly<Record<string, number>>): string {
  const each = Object.entries(byName).map(([name, value]) => `${name} ${show(value)}`);
  return each.length === 0 ? nothing : each.join(", ");
}

export function sumOfEach(byName: Readonly<Record<string, number>>): number {
  return Object.values(byName).reduce((sum, value) => sum + value, 0);
}
