// One request to a service: run the exchange that it asks for, and answer. Which service it is was decided by the
// route, what it asks for is read in http/, and how an exchange goes is in exchange/.

import type { Context } from "hono";
import type { Terms } from "../durable/index.ts";
import { encodeCancel, httpHeaders, SparseLog, type CallbackFate, type Replied } from "../protocol/index.ts";
import { callerOfService } from "./access/gate.ts";
import { nameOfPrincipal, type Caller } from "./access/principal.ts";
import type { AppEnv, GatewayDeps } from "./app.ts";
import type { Admission, Admitted } from "./admission/admission.ts";
import { respondRefusal } from "./admission/refuse.ts";
import { lookTimeoutMs } from "./admission/responders.ts";
import type { Fallback, GatewayConfig, Service } from "./config.ts";
import { connect, type Connection } from "./exchange/connection.ts";
import { durableExchange, type DurableOutcome } from "./exchange/durable-exchange.ts";
import { isKept, whichIsKept } from "./exchange/kept.ts";
import { requestReply } from "./exchange/request-reply.ts";
import { Spin } from "./exchange/spin.ts";
import { durableWait, plainWait } from "./exchange/waiter-port.ts";
import { callerKey, clientAddress } from "./http/caller-key.ts";
import { rateLimitOf } from "./http/rate-limit.ts";
import { readRequest, type ReadRequest } from "./http/read-request.ts";
import {
  respondFallback,
  respondOutcome,
  respondProblem,
  respondStillWaiting,
  respondWaiting,
  withLocation,
  withPreferenceApplied,
} from "./http/respond.ts";
import { refuseInvalidReply } from "./http/validate-reply.ts";

/** A plain request is produced once, and its ID is used once. */
const onlyAttempt = 1;

export function serviceHandler(
  service: Service,
  config: GatewayConfig,
  deps: GatewayDeps,
  admission: Admission,
) {
  const spin = new Spin();
  const invalidReplies = new SparseLog();
  const rateLimit = rateLimitOf(service);

  return async function answerService(c: Context<AppEnv>): Promise<Response> {
    const createdAt = Date.now();
    const caller = await callerOfService(c, service.authentication, deps);
    if (caller instanceof Response) return caller;
    const principal = nameOfPrincipal(caller.principal);
    const refusal = await rateLimit?.refuse(c, principal);
    const response = refusal ?? (await answer(c, caller, principal, createdAt));
    // Credentials that caches do not know of, such as X-API-Key, keep no cache from giving it to others.
    if (service.authentication.length > 0) response.headers.set("Cache-Control", "no-store");
    return rateLimit === undefined ? response : rateLimit.announce(response);
  };

  async function answer(
    c: Context<AppEnv>,
    caller: Caller,
    principal: string,
    createdAt: number,
  ): Promise<Response> {
    const asked = await readRequest(c, service, caller, createdAt);
    if (asked instanceof Response) return asked;
    const read = await underItsId(c, asked, principal);
    if (read instanceof Response) return read;
    const { id, isAsync, clientCorrelationId } = read;
    const connection = connect(c, deps, id.waiterId);
    const admitted = await admission.admit({
      ...connection,
      caller: callerKey(principal, clientAddress(c.req.raw.headers)),
      createdAt,
      deadlineAt: read.deadlineAt,
      look: (group) =>
        connection.kafka.groupState(group, service.requestTopic, service.timeoutMs, lookTimeoutMs),
      ...(read.isKeyed ? { isKept: () => isKept(connection.waiter, principal) } : {}),
    });
    const exchange = {
      ...read,
      principal,
      createdAt,
      service,
      spin,
      invalidReplies,
      produceTimeoutMs: config.produceTimeoutMs,
    };
    const isDurable =
      read.isKeyed || isAsync || read.callbackUrl !== undefined || service.lateReplies === "keep";
    const run = isDurable ? answerDurably : answerPlainly;
    let response: Response;
    if (!admitted.admitted) response = respondRefusal(service, admitted, id.correlationId);
    else {
      try {
        const running = run(connection, { ...exchange, admitted }, signalFor(c, admitted));
        // What it finds out is of use to others, also when its own caller is gone.
        if (admitted.isProbe) connection.afterwards(running.catch(() => undefined));
        response = await running;
      } finally {
        admitted.settle();
      }
    }
    if (clientCorrelationId !== undefined) {
      response.headers.set(httpHeaders.clientCorrelationId, clientCorrelationId);
    }
    return response;
  }
}

/** An exchange that its key's other ID leads to already goes on there; a key has no second one beside it. */
async function underItsId(
  c: Context<AppEnv>,
  read: ReadRequest,
  principal: string,
): Promise<ReadRequest | Response> {
  if (read.others.length === 0) return read;
  const kept = await whichIsKept(
    read.others,
    ({ id }) =>
      () =>
        c.env.WAITER.get(id.waiterId),
    principal,
  );
  if (kept === "unavailable") return respondUnavailable(read.id.correlationId);
  if (kept === "none") return read;
  c.set("correlationId", kept.id.correlationId);
  return { ...read, ...kept };
}

function respondUnavailable(correlationId: string): Response {
  return respondProblem("waiter_unavailable", correlationId, { headers: { "Retry-After": "1" } });
}

/** Whoever leaves a probe would leave its place taken, and the service refused to all others. */
function signalFor(c: Context<AppEnv>, { isProbe }: Admitted): AbortSignal {
  return isProbe ? new AbortController().signal : c.req.raw.signal;
}

interface Exchange extends ReadRequest {
  readonly admitted: Admitted;
  readonly service: Service;
  /** The name of who asks. */
  readonly principal: string;
  readonly createdAt: number;
  readonly spin: Spin;
  readonly invalidReplies: SparseLog;
  readonly produceTimeoutMs: number;
}

async function answerPlainly(
  connection: Connection,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<Response> {
  const { id, service, createdAt, deadlineAt, spin, produceTimeoutMs, recordKey, recordOf } = exchange;
  const { correlationId } = id;
  const spec = { deadlineAt, replyTopic: service.replyTopic, service: service.name };
  const attempt = { attempt: onlyAttempt, correlationId, deadlineAt };
  const outcome = await requestReply(
    {
      ...connection,
      port: plainWait(connection.waiter, spec),
      leave: () => connection.waiter().leave(),
      nudge: (awakeUntil, waitsLong) => connection.nudge(awakeUntil, deadlineAt, waitsLong),
      cancelRecord: () =>
        service.cancelRecords
          ? encodeCancel(service.requestTopic, recordKey, { ...attempt, cancelledAt: Date.now() })
          : undefined,
    },
    {
      // A plain request has no use for a reply after its deadline.
      record: recordOf({ ...attempt, createdAt, keepUntil: deadlineAt }),
      spec,
      produceTimeoutMs,
      spinMs: spin.ms,
    },
    signal,
  );
  exchange.admitted.settle(outcome);
  learnFrom(outcome.status, spin, createdAt);
  const { fallback } = service;
  if (outcome.status === "expired" && fallback?.onTimeout === true) {
    return respondFallback(fallback, correlationId);
  }
  return (await invalidReply(exchange, outcome)) ?? respondOutcome(outcome, correlationId);
}

/** What the caller gets in place of a reply that breaks the service's schema. */
async function invalidReply(
  { id, service, invalidReplies }: Exchange,
  outcome: { readonly status: string } | Replied,
): Promise<Response | undefined> {
  if (!("reply" in outcome)) return undefined;
  return refuseInvalidReply(service, outcome.reply, id.correlationId, invalidReplies);
}

async function answerDurably(
  connection: Connection,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<Response> {
  const { service, createdAt, deadlineAt, recordKey, recordOf, spin, produceTimeoutMs } = exchange;
  const { isAsync, preferences, principal } = exchange;
  const { respondAsync, waitSeconds } = preferences;
  // Nobody is held longer than any caller of the service is.
  const waitMs = isAsync ? Math.min((waitSeconds ?? 0) * 1_000, service.timeoutMs) : service.timeoutMs;
  const outcome = await durableExchange(
    { ...connection, port: durableWait(connection.waiter, principal) },
    {
      terms: {
        service: service.name,
        principal,
        replyTopic: service.replyTopic,
        fingerprint: await exchange.fingerprint(),
        createdAt,
        deadlineAt,
        keepUntil: deadlineAt + service.retentionMs,
        ...(service.cancelRecords ? { cancelTarget: { topic: service.requestTopic, key: recordKey } } : {}),
        ...callbackTermsOf(exchange),
      },
      opener: crypto.randomUUID(),
      recordOf,
      waitUntil: createdAt + waitMs,
      // Its reply is not on the line, but soon after: the drain stays awake as for all others.
      likelyUntil: createdAt + service.timeoutMs,
      spinMs: spin.ms,
      produceTimeoutMs,
    },
    signal,
  );
  exchange.admitted.settle(outcome);
  const isStored = outcome.status === "replied" && outcome.isStored === true;
  if (waitMs > 0 && !isStored) learnFrom(outcome.status, spin, createdAt);
  const response =
    (await invalidReply(exchange, outcome)) ?? respondDurable(outcome, exchange, isAsync, service.fallback);
  // What was refused was not waited for.
  if (["conflict", "unavailable", "unknown"].includes(outcome.status)) return response;
  return withPreferenceApplied(response, {
    // A 202 may also be what the service answered.
    respondAsync: respondAsync && outcome.status === "waiting",
    waitSeconds: waitSeconds === undefined ? undefined : Math.min(waitSeconds, Math.ceil(waitMs / 1_000)),
  });
}

function callbackTermsOf({ id, service, callbackUrl }: Exchange): Pick<Terms, "callback"> {
  const { callbacks, validate } = service;
  if (callbacks === undefined || callbackUrl === undefined) return {};
  return {
    callback: {
      url: callbackUrl,
      secret: callbacks.secret,
      correlationId: id.correlationId,
      // A waiter knows nothing of schemas: a reply that has to follow one is fetched, and looked at then.
      withReply: validate?.reply === undefined,
    },
  };
}

/** What the service's next waits may expect. Refusals say nothing about it. */
function learnFrom(status: DurableOutcome["status"], spin: Spin, createdAt: number): void {
  if (status === "replied" || status === "expired" || status === "waiting")
    spin.record(Date.now() - createdAt);
}

function respondDurable(
  outcome: DurableOutcome,
  { id: { correlationId }, callbackUrl }: Exchange,
  isAsync: boolean,
  fallback: Fallback | undefined,
): Response {
  const waitedInVain = outcome.status === "expired" || (outcome.status === "waiting" && !isAsync);
  if (waitedInVain && fallback?.onTimeout === true) {
    // For this caller alone: the exchange is kept as it is, and may yet be answered.
    return withLocation(respondFallback(fallback, correlationId), correlationId);
  }
  switch (outcome.status) {
    case "waiting":
      return isAsync
        ? respondWaiting({ correlationId, ...outcome, ...callbackOf(callbackUrl) }, Date.now())
        : // Joined an exchange that takes longer than a caller who did not say so should be made to wait.
          respondStillWaiting({ correlationId, ...outcome }, Date.now());
    case "unknown":
      return withLocation(
        respondProblem("produce_unknown", correlationId, { headers: { "Retry-After": "1" } }),
        correlationId,
      );
    case "conflict":
      return respondProblem("idempotency_key_reused", correlationId);
    case "unavailable":
      return respondUnavailable(correlationId);
    case "expired":
      return withLocation(respondOutcome(outcome, correlationId), correlationId);
    case "replied":
    case "cancelled":
    case "refused":
    case "left":
      return respondOutcome(outcome, correlationId);
  }
}

/** Nothing has ended that could be told: the request was handed over a moment ago, or still waits. */
function callbackOf(callbackUrl: string | undefined): { readonly callback?: CallbackFate } {
  return callbackUrl === undefined ? {} : { callback: { status: "waiting", attempts: 0 } };
}
