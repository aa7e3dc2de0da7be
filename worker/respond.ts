// The only place where an outcome or a problem becomes an HTTP response.

import {
  decodeText,
  httpHeaders,
  problems,
  problemType,
  responderProblemTitle,
  type Problem,
  type ProblemCode,
  type Reply,
} from "../protocol/index.ts";
import type { ExchangeOutcome } from "./request-reply.ts";

/** Statuses that may not have a body (Fetch standard). */
const nullBodyStatuses = new Set([204, 205, 304]);

/** What a responder may say in its own error text before it is cut, in characters. */
const maxDetailLength = 2_000;

export interface ProblemExtras {
  readonly detail?: string;
  readonly deadlineAt?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export function respondProblem(
  code: ProblemCode,
  correlationId: string,
  { detail, deadlineAt, headers }: ProblemExtras = {},
): Response {
  const { status, title } = problems[code];
  return problemResponse(
    {
      type: problemType(code),
      title,
      status,
      code,
      correlationId,
      ...(detail === undefined ? {} : { detail }),
      ...(deadlineAt === undefined ? {} : { deadlineAt }),
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
    case "too-large":
      return respondProblem("payload_too_large", correlationId, { detail: "more than its topic takes" });
    case "refused":
      return respondProblem("produce_refused", correlationId, {
        headers: { "Retry-After": String(outcome.retryAfter) },
      });
  }
}

function respondReply({ status, error, contentType, body }: Reply, correlationId: string): Response {
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
  return new Response(nullBodyStatuses.has(status) ? null : body, {
    status,
    headers: {
      [httpHeaders.correlationId]: correlationId,
      ...(contentType === undefined ? {} : { "Content-Type": contentType }),
    },
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
