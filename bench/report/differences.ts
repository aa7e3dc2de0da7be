// How what is stored differs from what is computed again, and histograms from the fates beside them.

import { latencyOf, measuredIn } from "./loads.ts";
import type { Unit } from "../raw.ts";

/** A sentence for each value that differs, with the way to it: `targets.p50-vs-floor.value`. */
export function differencesOf(stored: unknown, again: unknown, path = ""): string[] {
  if (isObject(stored) && isObject(again)) {
    const names = new Set([...namesIn(stored), ...namesIn(again)]);
    return [...names].flatMap((name) =>
      differencesOf(memberOf(stored, name), memberOf(again, name), path === "" ? name : `${path}.${name}`),
    );
  }
  const [was, is] = [JSON.stringify(stored), JSON.stringify(again)];
  return was === is ? [] : [`${path}: ${was ?? "nothing"} is stored, ${is ?? "nothing"} is computed`];
}

/** A histogram has as many latencies as there were right answers. */
export function miscounted(units: readonly Unit[]): string[] {
  return measuredIn(units).flatMap((each) => {
    const { totalCount } = latencyOf([each]);
    const right = each.fates["right"] ?? 0;
    return totalCount === right
      ? []
      : [`${each.unit}, ${each.name}: ${totalCount} latencies of ${right} right answers`];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Entries of a list go by their ID, where they have one: one that is missing is not the end of all others. */
function namesIn(value: object): string[] {
  return Array.isArray(value) ? value.map(nameOf) : Object.keys(value);
}

function memberOf(value: object, name: string): unknown {
  if (Array.isArray(value)) return value.find((each, at) => nameOf(each, at) === name);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function nameOf(entry: unknown, at: number): string {
  return isObject(entry) && "id" in entry ? String(entry.id) : String(at);
}
