// How a value that breaks a rule is shown to whoever wrote it.

/** Of anything: a config in plain JavaScript may hold what JSON does not know. */
export function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value === "bigint" ? `${value}n` : `a value that cannot be shown (${typeof value})`;
  }
}
