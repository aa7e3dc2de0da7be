// How a value of a config is shown to whoever wrote it.

import { isStandardSchema } from "../../protocol/index.ts";

/** One line, for a value that breaks a rule: a config in plain JavaScript may hold what JSON does not know. */
export function show(value: unknown): string {
  try {
    return JSON.stringify(value, named) ?? String(value);
  } catch {
    return typeof value === "bigint" ? `${value}n` : `a value that cannot be shown (${typeof value})`;
  }
}

/** Everything, with null for what was left open. */
export function showAll(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => named(_, each) ?? null, 2);
}

/** A schema is code, and may go round in circles: its library has to do. */
function named(_: string, value: unknown): unknown {
  return isStandardSchema(value) ? `a schema of ${value["~standard"].vendor}` : value;
}
