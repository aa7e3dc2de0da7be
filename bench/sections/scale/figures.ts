// How units of this section name what they have found.

import type { Figure } from "../../raw.ts";

export type NewFigure = (id: string, what: string, value: number, unit?: string) => Figure;

/** Figures of one subject: `open-10000` gives `open-10000.kb-per-waiter`. Three decimals are kept. */
export function figuresOf(subject: string): NewFigure {
  return (id, what, value, unit = "") => ({
    id: `${subject}.${id}`,
    what,
    value: Math.round(value * 1_000) / 1_000,
    unit,
  });
}

/** The value below which `percent` of them lie; NaN of none. */
export function percentileOf(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1);
  return sorted[at] ?? Number.NaN;
}

/** How many ended, however they did. */
export function endsOf(fates: Readonly<Record<string, number>>): number {
  return Object.values(fates).reduce((sum, times) => sum + times, 0);
}
