// How a value that breaks a rule is shown to whoever wrote it.

export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
