// What the bench stores of each unit that it has run, in results/raw/<unit>.json: all that its report and its targets
// are computed from. A unit is run as a whole or not at all; one that is there is not run again.

import type { ContenderId, Ledger } from "./contenders/contender.ts";

export interface ProcessUse {
  /** `workerd`, `bridge`, `jvm`, `broker`, `responder`, `load`, … */
  readonly name: string;
  /** User and system time in the course of the measurement. */
  readonly cpuSeconds: number;
  /** The most resident memory seen in the course of it. */
  readonly peakMiB: number;
}

/** One load, from its first request to its last answer. Warm-up is never part of one. */
export interface Measurement {
  /** `rate-100`, `ramp-450`, `half-knee`, …; within its unit there is one of the name. */
  readonly name: string;
  readonly contender: ContenderId;
  /** Requests that were due in a second. */
  readonly perSecond: number;
  /** For how long requests were begun. */
  readonly seconds: number;
  /** From the first intended time to the last answer, in seconds. */
  readonly elapsedSeconds: number;
  /** How many requests had which end: `right`, `wrong`, `503`, `504`, `no answer`, `not sent`, … */
  readonly fates: Readonly<Record<string, number>>;
  /** HdrHistogram V2, compressed, base64: µs from the intended time to the answer, of what ended `right`. */
  readonly latency: string;
  /** The same form: µs by which requests were begun after their intended time. A late generator is seen here. */
  readonly lateness: string;
  readonly processes: readonly ProcessUse[];
  /** What its books gained in the course of the measurement; what is in flight may have become less. */
  readonly ledger?: Ledger;
}

/** A number that is not a latency. */
export interface Figure {
  /** Within its unit there is one of the id: `open-10000.kb-per-waiter`. */
  readonly id: string;
  /** What it is, as a row of a table says it. */
  readonly what: string;
  readonly value: number;
  /** `kB`, `ms`, `s`, `%`, or nothing for a count. */
  readonly unit: string;
}

export interface Unit {
  /** `compare-1-spring`, `founding-1000`, `scale-open-10000`, … */
  readonly unit: string;
  /** The commit that ran it, in 12 digits; with a word, where files had been changed. */
  readonly commit: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly measurements: readonly Measurement[];
  readonly figures: readonly Figure[];
  /** What there is to say of it in a sentence each: a limit that was met, a step that was taken twice. */
  readonly remarks: readonly string[];
}
