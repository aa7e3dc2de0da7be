// Reads one request to a service into what an exchange needs of it, or into the answer that refuses it. Parsing only:
// nothing is produced and nobody is woken here.

import type { Context } from "hono";
import {
  encodeRequest,
  httpHeaders,
  maxRecordBytes,
  passedThroughHeaders,
  recordBytes,
  type Attempt,
  type NewRecord,
} from "../../protocol/index.ts";
import type { AppEnv } from "../app.ts";
import type { Service } from "../config.ts";
import { deriveExchangeId, mintExchangeId, type ExchangeId } from "../exchange/correlation-id.ts";
import { replyPartitionFor } from "../exchange/routing.ts";
import { readBody } from "./body.ts";
import { fingerprint } from "./fingerprint.ts";
import { readClientKey } from "./idempotency-key.ts";
import { readPreferences, type Preferences } from "./preferences.ts";
import { anonymous } from "./principal.ts";
import { readRecordKey } from "./record-key.ts";
import { respondProblem } from "./respond.ts";

const maxClientCorrelationIdLength = 256;
/** However long the caller may wait: at 17 kB/s the largest body that any service takes is there. */
const longestBodyMs = 60_000;

/** A request that can be served. */
export interface ReadRequest {
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
export async function readRequest(
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
  const preferences = readPreferences(headers.get("Prefer"));
  const isAsync = preferences.respondAsync || preferences.waitSeconds !== undefined;
  const timeoutMs = isAsync ? service.asyncTimeoutMs : service.timeoutMs;
  const read = await readBody(request, service.bodyLimitBytes, Math.min(timeoutMs, longestBodyMs));
  if (read.status === "too-large") {
    return refuse("payload_too_large", { detail: `at most ${service.bodyLimitBytes} bytes` });
  }
  if (read.status === "too-slow") return refuse("body_too_slow");
  if (read.status === "broken") return refuse("bad_request", { detail: "the body broke off" });
  const { body } = read;
  // A body that took its whole time to arrive leaves none for the service.
  const deadlineAt = createdAt + timeoutMs;
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
