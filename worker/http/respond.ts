// The only place where an outcome or a problem becomes an HTTP response.

import { serializeItem, Token, type BareItem } from "structured-headers";
import {
  decodeText,
  httpHeaders,
  locationOf,
  problems,
  problemType,
  responderProblemTitle,
  type CallbackFate,
  type Problem,
  type ProblemCode,
  type Reply,
  type RequestProblem,
} from "../../protocol/index.ts";
import type { Fallback } from "../config.ts";
import { preferenceApplied, type Preferences } from "./preferences.ts";
import type { ExchangeOutcome } from "../exchange/request-reply.ts";

/** Statuses that may not have a body (Fetch standard). */
const nullBodyStatuses = new Set([204, 205, 304]);

/** What a responder may say in its own error text before it is cut, in characters. */
const maxDetailLength = 2_000;

export interface ProblemExtras {
  readonly detail?: string;
  readonly deadlineAt?: number;
  readonly problems?: readonly RequestProblem[];
  readonly moreProblems?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function respondProblem(
  code: ProblemCode,
  correlationId: string,
  { headers, ...members }: ProblemExtras = {},
): Response {
  const { status, title } = problems[code];
  return problemResponse(
    {
      type: problemType(code),
      title,
      status,
      code,
      correlationId,
      ...members,
    },
    headers,
  );
}

export function respondOutcome(outcome: ExchangeOutcome, correlationId: string): Response {
  switch (outcome.status) {
    case "replied":
      return respondReply(outcome.reply, correlationId);
    case "expired":
      return respondProblem("deadline_exceeded", correlationId, { deadlineAt: outcome.deadlineAt });
    case "cancelled":
    case "left":
      return respondProblem("cancelled", correlationId);
    case "refused":
      if (outcome.tooLarge === true) {
        return respondProblem("payload_too_large", correlationId, { detail: "more than its topic takes" });
      }
      return respondProblem("produce_refused", correlationId, {
        headers: { "Retry-After": String(outcome.retryAfter) },
      });
  }
}

/** An exchange that goes on. Instants are epoch ms; they are those of its present attempt. */
export interface StillWaiting {
  readonly correlationId: string;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly callback?: CallbackFate;
}

export function respondWaiting(
  { correlationId, createdAt, deadlineAt, callback }: StillWaiting,
  now: number,
): Response {
  const body = {
    status: "waiting",
    correlationId,
    deadlineAt,
    ...(callback === undefined ? {} : { callback }),
  };
  const response = new Response(`${JSON.stringify(body)}\n`, {
    status: 202,
    headers: {
      "Content-Type": "application/json",
      Location: locationOf(correlationId),
      "Retry-After": String(retryAfterSeconds(createdAt, now)),
      [httpHeaders.correlationId]: correlationId,
    },
  });
  return withCallbackStatus(response, callback);
}

/** For a caller who wanted to wait no longer than to the usual deadline, which this exchange does not have. */
export function respondStillWaiting(
  { correlationId, createdAt, deadlineAt }: StillWaiting,
  now: number,
): Response {
  const response = respondProblem("deadline_exceeded", correlationId, {
    detail: "The exchange goes on; ask for its answer at Location.",
    deadlineAt,
    headers: { "Retry-After": String(retryAfterSeconds(createdAt, now)) },
  });
  return withLocation(response, correlationId);
}

/** Stands in for the service's answer, and says so. */
export function respondFallback({ status, body }: Fallback, correlationId: string): Response {
  return new Response(`${JSON.stringify({ ...body, degraded: true })}\n`, {
    status,
    headers: {
      "Content-Type": "application/json",
      // The next request may have the real answer.
      "Cache-Control": "no-store",
      [httpHeaders.correlationId]: correlationId,
    },
  });
}

/** Names where a durable exchange can be asked for. */
export function withLocation(response: Response, correlationId: string): Response {
  response.headers.set("Location", locationOf(correlationId));
  return response;
}

/** Says how far the callback of a durable exchange has come, where it has one: an Item of RFC 9651. */
export function withCallbackStatus(response: Response, callback: CallbackFate | undefined): Response {
  if (callback === undefined) return response;
  const { status, attempts, last, nextAt } = callback;
  const parameters = new Map<string, BareItem>([["attempts", attempts]]);
  if (last !== undefined) parameters.set("last", last);
  if (nextAt !== undefined) parameters.set("next", new Date(Math.ceil(nextAt / 1_000) * 1_000));
  response.headers.set(httpHeaders.callbackStatus, serializeItem([new Token(status), parameters]));
  return response;
}

/** The longer an exchange has taken, the longer it is likely to take: a quarter of its age, 1 to 60 s. */
export function retryAfterSeconds(createdAt: number, now: number): number {
  return Math.min(60, Math.max(1, Math.ceil((now - createdAt) / 4_000)));
}

/** Says on an answer which of the client's preferences were followed (RFC 7240); nothing if none was. */
export function withPreferenceApplied(response: Response, applied: Preferences): Response {
  const value = preferenceApplied(applied);
  if (value !== undefined) response.headers.set("Preference-Applied", value);
  return response;
}

function respondReply(
  { status, error, contentType, contentEncoding, body }: Reply,
  correlationId: string,
): Response {
  if (error !== undefined && contentType === undefined) {
    const known = error in problems ? problems[error as ProblemCode] : undefined;
    const detail = decodeText(body)?.slice(0, maxDetailLength);
    return problemResponse({
      type: problemType(error),
      title: known?.title ?? responderProblemTitle,
      status,
      code: error,
      correlationId,
      ...(detail ? { detail } : {}),
    });
  }
  const hasBody = !nullBodyStatuses.has(status);
  const isEncoded = hasBody && contentEncoding !== undefined;
  return new Response(hasBody ? body : null, {
    status,
    headers: {
      [httpHeaders.correlationId]: correlationId,
      ...(contentType === undefined ? {} : { "Content-Type": contentType }),
      ...(isEncoded ? { "Content-Encoding": contentEncoding } : {}),
    },
    // The bytes are encoded already; the platform would do it once more.
    ...(isEncoded ? { encodeBody: "manual" } : {}),
  });
}

function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: {
      ...headers,
      "Content-Type": "application/problem+json",
      [httpHeaders.correlationId]: problem.correlationId,
    },
  });
}
