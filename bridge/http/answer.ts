// What a route answers with, and the one shape of every error. Writing it to a socket is the server's part.

import type { LogUnavailable, Refused } from "../../kafka/log/index.ts";

/** Always JSON and never empty: the SDK reads every answer as JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For those who do not read JSON. */
export interface TextAnswer {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
}

/** A reason why a request is not answered as asked. */
export interface Problem {
  readonly status: number;
  readonly problem: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function badRequest(problem: string): Problem {
  return { status: 400, problem };
}

export function problemAnswer({ status, problem, headers }: Problem): Answer {
  const body = { result: "Error", error: problem, status };
  return { status, body, ...(headers === undefined ? {} : { headers }) };
}

export function forbidden(topic: string): Problem {
  return { status: 403, problem: `these credentials may not do this with topic ${topic}` };
}

export function unavailable({ message, retryAfter }: LogUnavailable): Problem {
  return { status: 503, problem: message, headers: { "retry-after": String(retryAfter) } };
}

/** For shapes that have no word for a refused record. */
export function problemOf(refusal: Refused): Problem {
  const problem = refusal.refused;
  switch (refusal.why) {
    case "invalid":
      return { status: 400, problem };
    case "too-large":
      return { status: 413, problem };
    case "forbidden":
      return { status: 403, problem };
    case "unavailable":
      return { status: 503, problem, headers: { "retry-after": String(refusal.retryAfter) } };
  }
}
