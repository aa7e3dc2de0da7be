// Options of who is let through to a service: types, forms and defaults. What they do is in admission/.

import * as v from "valibot";
import { wholeNumber, yesOrNo } from "./forms.ts";

export interface BreakerOptions {
  /** Failures in a row that open it: refused produces and expired waits (1 to 1000). */
  readonly failures?: number;
  /** How long it stays open before a request probes whether the service is back, in ms (100 to 600000). */
  readonly openMs?: number;
  /** How many requests may probe at a time, and how many of them must succeed (1 to 100). */
  readonly probes?: number;
}

export interface FallbackOptions {
  /** 200 unless given; one that has a body (200 to 599 without 204, 205 and 304). */
  readonly status?: number;
  /** Sent as JSON, with `degraded: true` beside its own members. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether a caller who waited in vain gets it, too, in place of the 504. Not unless given. */
  readonly onTimeout?: boolean;
}

export type Fallback = Required<FallbackOptions>;

const breakerDefaults = { failures: 5, openMs: 10_000, probes: 1 };

/** What comes back from JSON as it was. */
function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || ["string", "boolean"].includes(typeof value) || isJsonObject(value);
}

function isJsonObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson);
}

export const breakerSchema = v.optional(
  v.union(
    [
      v.literal(false),
      v.strictObject({
        failures: v.optional(wholeNumber(1, 1_000, "failures"), breakerDefaults.failures),
        openMs: v.optional(wholeNumber(100, 600_000, "ms"), breakerDefaults.openMs),
        probes: v.optional(wholeNumber(1, 100, "requests"), breakerDefaults.probes),
      }),
    ],
    "must be false, or an object of failures, openMs and probes, each a whole number",
  ),
  breakerDefaults,
);

export const fallbackSchema = v.strictObject({
  status: v.optional(
    v.pipe(
      wholeNumber(200, 599, "as an HTTP status"),
      v.check((status) => ![204, 205, 304].includes(status), "must be a status that has a body"),
    ),
    200,
  ),
  body: v.pipe(
    v.custom<Readonly<Record<string, unknown>>>(isJsonObject, "must be an object of JSON"),
    v.check((body) => !("degraded" in body), "must not have the member degraded, which is added"),
  ),
  onTimeout: v.optional(yesOrNo, false),
});

export const groupName = v.pipe(
  v.string("a consumer group's name is needed"),
  v.minLength(1, "must not be empty"),
  v.maxLength(249, "must be at most 249 characters"),
  v.check((group) => group !== "." && group !== "..", "must not be a step in a path"),
);
