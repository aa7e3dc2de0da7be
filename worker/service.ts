// One request to a service: parse it, refuse what cannot be served, run the exchange, answer. Which
// service it is was decided by the route.

import type { Context } from "hono";
import { drainOf } from "../consumer/library.ts";
import {
  encodeRequest,
  httpHeaders,
  importUuidKey,
  maxRecordBytes,
  mintUuid,
  passedThroughHeaders,
  recordBytes,
} from "../protocol/index.ts";
import { readBody } from "./body.ts";
import type { GatewayConfig, Service } from "./config.ts";
import type { AppEnv, GatewayDeps } from "./app.ts";
import { readRecordKey } from "./record-key.ts";
import { requestReply } from "./request-reply.ts";
import { respondOutcome, respondProblem } from "./respond.ts";
import { mintRouted, replyPartitionFor } from "./routing.ts";

/** The record's attempt number: a plain request is produced once. */
const onlyAttempt = 1;
const maxClientCorrelationIdLength = 256;

export function serviceHandler(service: Service, config: GatewayConfig, deps: GatewayDeps) {
  return async function answerService(c: Context<AppEnv>): Promise<Response> {
    const request = c.req.raw;
    const createdAt = Date.now();
    const { env } = c;
    const correlationId =
      service.correlationIds === "hex"
        ? await mintRouted(service, c.get("correlationId"), () => env.WAITER.newUniqueId().toString())
        : await mintRoutedUuid(service, env.CORRELATION_ID_SECRET, createdAt);
    const waiterId =
      service.correlationIds === "hex"
        ? env.WAITER.idFromString(correlationId)
        : env.WAITER.idFromName(correlationId);

    c.set("correlationId", correlationId);
    const clientCorrelationId = request.headers.get(httpHeaders.correlationId) ?? undefined;
    if ((clientCorrelationId?.length ?? 0) > maxClientCorrelationIdLength) {
      return respondProblem("bad_request", correlationId, {
        detail: `${httpHeaders.correlationId} is longer than ${maxClientCorrelationIdLength} characters`,
      });
    }
    const body = await readBody(request, service.bodyLimitBytes);
    if (body === undefined) {
      return respondProblem("payload_too_large", correlationId, {
        detail: `at most ${service.bodyLimitBytes} bytes`,
      });
    }
    const deadlineAt = createdAt + service.timeoutMs;
    // A body that took its whole time to arrive leaves none for the service.
    if (Date.now() >= deadlineAt) return respondProblem("deadline_exceeded", correlationId, { deadlineAt });
    const url = new URL(request.url);
    const key =
      service.recordKey === undefined
        ? ({ ok: true, key: correlationId } as const)
        : readRecordKey(service.recordKey, {
            pathParameter: (name) => c.req.param(name),
            query: url.searchParams,
            headers: request.headers,
            body,
          });
    if (!key.ok) return respondProblem("bad_request", correlationId, { detail: `missing: ${key.missing}` });

    const replyPartition = replyPartitionFor(service, correlationId);
    const record = encodeRequest(service.requestTopic, key.key, body, {
      correlationId,
      replyTopic: service.replyTopic,
      ...(replyPartition === undefined ? {} : { replyPartition }),
      createdAt,
      deadlineAt,
      // A plain request has no use for a reply after its deadline.
      keepUntil: deadlineAt,
      attempt: onlyAttempt,
      // HEAD is GET without the body; services need not know it.
      method: service.method,
      path: url.pathname,
      query: url.search,
      ...(clientCorrelationId === undefined ? {} : { clientCorrelationId }),
      forwarded: [...passedThroughHeaders, ...service.forwardHeaders].flatMap((name) => {
        const value = request.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      }),
    });
    if (recordBytes(record) > maxRecordBytes) {
      return respondProblem("payload_too_large", correlationId, {
        detail: `at most ${maxRecordBytes} bytes with its headers`,
      });
    }
    const outcome = await requestReply(
      {
        kafka: deps.kafkaFor(env),
        waiter: () => env.WAITER.get(waiterId),
        nudge: (until, waitsLong) =>
          deps.nudger.nudge(() => drainOf(deps.placementFor(env)), {
            awakeUntil: until,
            neededUntil: until,
            waitsLong,
            now: Date.now(),
          }),
        afterwards: (work) => c.executionCtx.waitUntil(work),
        now: Date.now,
        pause: (ms) => scheduler.wait(ms),
      },
      {
        record,
        spec: { deadlineAt, replyTopic: service.replyTopic },
        produceTimeoutMs: config.produceTimeoutMs,
      },
      request.signal,
    );
    const response = respondOutcome(outcome, correlationId);
    if (clientCorrelationId !== undefined) {
      response.headers.set(httpHeaders.clientCorrelationId, clientCorrelationId);
    }
    return response;
  };
}

async function mintRoutedUuid(service: Service, secret: string | undefined, now: number): Promise<string> {
  // The environment check at the first request guarantees the secret.
  const key = await importUuidKey(secret ?? "");
  const mint = () => mintUuid(now, crypto.getRandomValues(new Uint8Array(6)), key);
  return mintRouted(service, await mint(), mint);
}
