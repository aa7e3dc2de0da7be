// What happens to the bridge itself, one line of JSON on standard error for each. Requests are no events: they
// are counted in http/metrics.ts.

export type EventFields = Readonly<Record<string, string | number | undefined>>;

/** `now` is epoch ms. Fields that are undefined are left out. */
function formatEvent(event: string, fields: EventFields, now: number): string {
  return JSON.stringify({ at: new Date(now).toISOString(), event, ...fields });
}

export function reportEvent(event: string, fields: EventFields = {}): void {
  console.error(formatEvent(event, fields, Date.now()));
}

/** The stack is for standard error only; no client sees it. */
export function fieldsOfError(cause: unknown): EventFields {
  if (!(cause instanceof Error)) return { error: String(cause) };
  return { error: cause.message, stack: cause.stack };
}
