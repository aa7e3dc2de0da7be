// One table of everything that can go wrong for an HTTP caller: code, status, title.
// How an outcome becomes a Response is in worker/http/respond.ts.

/** Stable codes; clients may switch on them. */
export const problems = {
  bad_request: { status: 400, title: "The request cannot be read" },
  request_invalid: { status: 422, title: "The request is not valid" },
  body_unreadable: { status: 400, title: "The service cannot read the request body" },
  body_invalid: { status: 422, title: "The request body is not valid" },
  idempotency_key_required: { status: 400, title: "The service needs an Idempotency-Key" },
  idempotency_key_invalid: { status: 400, title: "The key cannot be used" },
  idempotency_key_reused: { status: 422, title: "The key was used for another request" },
  callback_refused: { status: 400, title: "The callback URL cannot be used" },
  unauthenticated: { status: 401, title: "The service has to know who asks" },
  forbidden: { status: 403, title: "The caller may not use this service" },
  operator_token_required: { status: 401, title: "This path is for operators" },
  request_unknown: { status: 404, title: "No request has this ID" },
  not_found: { status: 404, title: "No service answers here" },
  method_not_allowed: { status: 405, title: "The service does not take this method" },
  gone: { status: 410, title: "What was asked for is no longer kept" },
  body_timeout: { status: 408, title: "The body did not arrive in time" },
  payload_too_large: { status: 413, title: "The body is larger than the service takes" },
  uri_too_long: { status: 414, title: "The URL is longer than the gateway takes" },
  unsupported_encoding: { status: 415, title: "The service takes no compressed body" },
  rate_limited: { status: 429, title: "Too many requests; try again later" },
  headers_too_large: { status: 431, title: "The headers are larger than the gateway takes" },
  dead_letter_unknown: { status: 404, title: "There is no such dead letter" },
  dead_letter_gone: { status: 410, title: "Kafka does not have the record of this dead letter any more" },
  dead_letter_unreachable: {
    status: 503,
    title: "The record of this dead letter cannot be read from Kafka now",
  },
  misconfigured: { status: 500, title: "The gateway is not set up" },
  internal: { status: 500, title: "The gateway failed" },
  reply_unreadable: { status: 502, title: "The service sent a reply that cannot be read" },
  reply_invalid: { status: 502, title: "The service sent a reply that is not valid" },
  reply_refused: { status: 502, title: "The service's reply could not be handed back" },
  responder_failed: { status: 502, title: "The service failed while answering" },
  produce_unknown: { status: 503, title: "Whether the request was handed over is not known" },
  produce_refused: { status: 503, title: "The request could not be handed to the service" },
  waiter_unavailable: { status: 503, title: "The waiter is out of reach" },
  authentication_unavailable: { status: 503, title: "Who asks cannot be checked now" },
  circuit_open: { status: 503, title: "The service has failed repeatedly and is not asked now" },
  at_capacity: { status: 503, title: "As many requests wait for the service as may" },
  no_responder: { status: 503, title: "Nobody answers requests to the service now" },
  too_many_waiting: { status: 429, title: "As many requests of this caller wait as may" },
  not_ready: { status: 503, title: "The gateway is not ready" },
  deadline_exceeded: { status: 504, title: "No reply came before the deadline" },
  cancelled: { status: 409, title: "The request was cancelled" },
  already_answered: { status: 409, title: "The request was already answered" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** Title for a code that a responder chose itself. */
export const responderProblemTitle = "The service answered with an error";

/** One thing that a schema finds wrong with a request. */
export interface RequestProblem {
  readonly in: "body" | "query" | "path";
  /** JSON pointer (RFC 6901) to what is wrong; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** RFC 9457, with our own members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly correlationId: string;
  readonly detail?: string;
  /** Epoch ms. */
  readonly deadlineAt?: number;
  readonly problems?: readonly RequestProblem[];
  /** How many more there are than are listed. */
  readonly moreProblems?: number;
}

/** The problem `type` of a code: a URN, since nothing is published under a URL. */
export function problemType(code: string): string {
  return `urn:hearback:problem:${code}`;
}
