// How a value of a config is shown to whoever wrote it.

import { isStandardSchema } from "../../protocol/index.ts";

/** One line, for a value that breaks a rule. */
export function show(value: unknown): string {
  return JSON.stringify(value, named) ?? String(value);
}

/** Everything, with null for what was left open. */
export function showAll(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => named(_, each) ?? null, 2);
}

/** A schema is code, and may go round in circles: its library has to do. */
function named(_: string, value: unknown): unknown {
  return isStandardSchema(value) ? `a schema of ${value["~standard"].vendor}` : value;
}
