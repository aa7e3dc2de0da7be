// One request to a service: parse it, refuse what cannot be served, run the exchange that it asks for, answer. Which
// service it is was decided by the route; how an exchange goes is in request-reply.ts and durable-exchange.ts.

import type { Context } from "hono";
import {
  encodeCancel,
  encodeRequest,
  httpHeaders,
  maxRecordBytes,
  passedThroughHeaders,
  recordBytes,
  type Attempt,
  type NewRecord,
} from "../protocol/index.ts";
import type { AppEnv, GatewayDeps } from "./app.ts";
import { readBody } from "./body.ts";
import type { GatewayConfig, Service } from "./config.ts";
import { connect, type Connection } from "./connection.ts";
import { deriveExchangeId, mintExchangeId, type ExchangeId } from "./correlation-id.ts";
import { durableExchange, type DurableOutcome } from "./durable-exchange.ts";
import { fingerprint } from "./fingerprint.ts";
import { readClientKey } from "./idempotency-key.ts";
import { readPreferences, type Preferences } from "./preferences.ts";
import { anonymous, nameOfPrincipal } from "./principal.ts";
import { readRecordKey } from "./record-key.ts";
import { requestReply } from "./request-reply.ts";
import {
  respondOutcome,
  respondProblem,
  respondStillWaiting,
  respondWaiting,
  withLocation,
  withPreferenceApplied,
} from "./respond.ts";
import { replyPartitionFor } from "./routing.ts";
import { Spin } from "./spin.ts";
import { durableWait, plainWait } from "./waiter-port.ts";

/** A plain request is produced once, and its ID is used once. */
const onlyAttempt = 1;
const maxClientCorrelationIdLength = 256;

export function serviceHandler(service: Service, config: GatewayConfig, deps: GatewayDeps) {
  const spin = new Spin();

  return async function answerService(c: Context<AppEnv>): Promise<Response> {
    const createdAt = Date.now();
    const read = await readRequest(c, service, createdAt);
    if (read instanceof Response) return read;
    const { id, isAsync, clientCorrelationId } = read;
    const connection = connect(c, deps, id.waiterId);
    const exchange = {
      ...read,
      createdAt,
      service,
      spin,
      produceTimeoutMs: config.produceTimeoutMs,
    };
    const response =
      read.isKeyed || isAsync || service.lateReplies === "keep"
        ? await answerDurably(connection, exchange, c.req.raw.signal)
        : await answerPlainly(connection, exchange, c.req.raw.signal);
    if (clientCorrelationId !== undefined) {
      response.headers.set(httpHeaders.clientCorrelationId, clientCorrelationId);
    }
    return response;
  };
}

/** A request that can be served. */
interface ReadRequest {
  readonly id: ExchangeId<DurableObjectId>;
  readonly isKeyed: boolean;
  readonly preferences: Preferences;
  /** The caller is content with being told where to ask for the answer. */
  readonly isAsync: boolean;
  /** Epoch ms: of the exchange, if it falls to this caller to begin one. */
  readonly deadlineAt: number;
  readonly clientCorrelationId: string | undefined;
  readonly recordKey: string;
  readonly fingerprint: () => Promise<string>;
  /** The same attempt gives the same record. */
  readonly recordOf: (attempt: Attempt) => NewRecord;
}

/** Or the answer that refuses it: nothing has been produced. */
async function readRequest(
  c: Context<AppEnv>,
  service: Service,
  createdAt: number,
): Promise<ReadRequest | Response> {
  const request = c.req.raw;
  const { headers } = request;
  const { WAITER: waiters, CORRELATION_ID_SECRET: uuidSecret } = c.env;
  const refuse = (...[code, extras]: [Parameters<typeof respondProblem>[0], { detail?: string }?]) =>
    respondProblem(code, c.get("correlationId"), extras);

  const clientKey = readClientKey(headers, service, true);
  const id =
    clientKey.status === "key"
      ? await deriveExchangeId(service, { ...clientKey, principal: anonymous }, waiters, uuidSecret)
      : await mintExchangeId(
          service,
          { minted: c.get("correlationId"), now: createdAt },
          waiters,
          uuidSecret,
        );
  const { correlationId } = id;
  c.set("correlationId", correlationId);
  if (clientKey.status === "unusable") return refuse(clientKey.code, { detail: clientKey.why });
  const clientCorrelationId = headers.get(httpHeaders.correlationId) ?? undefined;
  if ((clientCorrelationId?.length ?? 0) > maxClientCorrelationIdLength) {
    return refuse("bad_request", {
      detail: `${httpHeaders.correlationId} is longer than ${maxClientCorrelationIdLength} characters`,
    });
  }
  const body = await readBody(request, service.bodyLimitBytes);
  if (body === undefined) {
    return refuse("payload_too_large", { detail: `at most ${service.bodyLimitBytes} bytes` });
  }
  const preferences = readPreferences(headers.get("Prefer"));
  const isAsync = preferences.respondAsync || preferences.waitSeconds !== undefined;
  // A body that took its whole time to arrive leaves none for the service.
  const deadlineAt = createdAt + (isAsync ? service.asyncTimeoutMs : service.timeoutMs);
  if (Date.now() >= deadlineAt) return respondProblem("deadline_exceeded", correlationId, { deadlineAt });
  const url = new URL(request.url);
  const key =
    service.recordKey === undefined
      ? ({ ok: true, key: correlationId } as const)
      : readRecordKey(service.recordKey, {
          pathParameter: (name) => c.req.param(name),
          query: url.searchParams,
          headers,
          body,
        });
  if (!key.ok) return refuse("bad_request", { detail: `missing: ${key.missing}` });

  const replyPartition = replyPartitionFor(service, correlationId);
  const forwarded = present(headers, service.forwardHeaders);
  // HEAD is GET without the body; services need not know it.
  const asked = { method: service.method, path: url.pathname, query: url.search };
  const recordOf = (attempt: Attempt): NewRecord =>
    encodeRequest(service.requestTopic, key.key, body, {
      ...attempt,
      ...asked,
      correlationId,
      replyTopic: service.replyTopic,
      ...(replyPartition === undefined ? {} : { replyPartition }),
      ...(clientCorrelationId === undefined ? {} : { clientCorrelationId }),
      forwarded: [...present(headers, passedThroughHeaders), ...forwarded],
    });
  const longest: Attempt = { attempt: createdAt, createdAt, deadlineAt, keepUntil: deadlineAt };
  if (recordBytes(recordOf(longest)) > maxRecordBytes) {
    return refuse("payload_too_large", { detail: `at most ${maxRecordBytes} bytes with its headers` });
  }
  return {
    id,
    isKeyed: clientKey.status === "key",
    preferences,
    isAsync,
    deadlineAt,
    clientCorrelationId,
    recordKey: key.key,
    fingerprint: () =>
      fingerprint({
        ...asked,
        contentType: headers.get("Content-Type"),
        recordKey: service.recordKey === undefined ? null : key.key,
        forwarded,
        body,
      }),
    recordOf,
  };
}

function present(headers: Headers, names: readonly string[]): (readonly [name: string, value: string])[] {
  return names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
}

interface Exchange extends ReadRequest {
  readonly service: Service;
  readonly createdAt: number;
  readonly spin: Spin;
  readonly produceTimeoutMs: number;
}

async function answerPlainly(
  connection: Connection,
  { id, service, createdAt, deadlineAt, spin, produceTimeoutMs, recordKey, recordOf }: Exchange,
  signal: AbortSignal,
): Promise<Response> {
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
  learnFrom(outcome.status, spin, createdAt);
  return respondOutcome(outcome, correlationId);
}

async function answerDurably(
  connection: Connection,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<Response> {
  const { id, service, createdAt, deadlineAt, recordKey, recordOf, spin, produceTimeoutMs } = exchange;
  const { isAsync, preferences } = exchange;
  const { respondAsync, waitSeconds } = preferences;
  // Nobody is held longer than any caller of the service is.
  const waitMs = isAsync ? Math.min((waitSeconds ?? 0) * 1_000, service.timeoutMs) : service.timeoutMs;
  const principal = nameOfPrincipal(anonymous);
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
  const isStored = outcome.status === "replied" && outcome.isStored === true;
  if (waitMs > 0 && !isStored) learnFrom(outcome.status, spin, createdAt);
  const response = respondDurable(outcome, id.correlationId, isAsync);
  // What was refused was not waited for.
  if (["conflict", "unavailable", "unknown"].includes(outcome.status)) return response;
  return withPreferenceApplied(response, {
    // A 202 may also be what the service answered.
    respondAsync: respondAsync && outcome.status === "waiting",
    waitSeconds: waitSeconds === undefined ? undefined : Math.min(waitSeconds, Math.ceil(waitMs / 1_000)),
  });
}

/** What the service's next waits may expect. Refusals say nothing about it. */
function learnFrom(status: DurableOutcome["status"], spin: Spin, createdAt: number): void {
  if (status === "replied" || status === "expired" || status === "waiting")
    spin.record(Date.now() - createdAt);
}

function respondDurable(outcome: DurableOutcome, correlationId: string, isAsync: boolean): Response {
  switch (outcome.status) {
    case "waiting":
      return isAsync
        ? respondWaiting({ correlationId, ...outcome }, Date.now())
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
      return respondProblem("waiter_unavailable", correlationId, { headers: { "Retry-After": "1" } });
    case "expired":
      return withLocation(respondOutcome(outcome, correlationId), correlationId);
    case "replied":
    case "cancelled":
    case "refused":
    case "left":
      return respondOutcome(outcome, correlationId);
  }
}
