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
  type ProblemCode,
} from "../../protocol/index.ts";
import { longestPrincipalHeader, principalHeader } from "../access/claims.ts";
import { isAnonymous, type Caller } from "../access/principal.ts";
import type { AppEnv } from "../app.ts";
import type { Service } from "../config.ts";
import { deriveExchangeId, mintExchangeId, type ExchangeId } from "../exchange/correlation-id.ts";
import { replyPartitionFor } from "../exchange/routing.ts";
import { readBody } from "./body.ts";
import { readCallbackUrl, type CallbackUrl } from "./callback-url.ts";
import { fingerprint } from "./fingerprint.ts";
import { readClientKey } from "./idempotency-key.ts";
import { readPath } from "./path.ts";
import { readPreferences, type Preferences } from "./preferences.ts";
import { readRecordKey } from "./record-key.ts";
import { respondProblem, type ProblemExtras } from "./respond.ts";
import { validateRequest, type Checked } from "./validate-request.ts";

const maxClientCorrelationIdLength = 256;
/** However long the caller may wait: at 17 kB/s the largest body that any service takes is there. */
const longestBodyMs = 60_000;

/** What of a request goes by the ID of its exchange. */
interface Identified {
  readonly id: ExchangeId<DurableObjectId>;
  readonly recordKey: string;
  /** The same attempt gives the same record. */
  readonly recordOf: (attempt: Attempt) => NewRecord;
}

/** A request that can be served. */
export interface ReadRequest extends Identified {
  /** The same request by the other IDs that its key has; usually none. */
  readonly others: readonly Identified[];
  readonly isKeyed: boolean;
  readonly preferences: Preferences;
  /** The caller is content with being told where to ask for the answer. */
  readonly isAsync: boolean;
  /** Epoch ms: of the exchange, if it falls to this caller to begin one. */
  readonly deadlineAt: number;
  readonly clientCorrelationId: string | undefined;
  /** Where its end is to be told. */
  readonly callbackUrl: string | undefined;
  readonly fingerprint: () => Promise<string>;
}

/** Or the answer that refuses it: nothing has been produced. */
export async function readRequest(
  c: Context<AppEnv>,
  service: Service,
  { principal, claims }: Caller,
  createdAt: number,
): Promise<ReadRequest | Response> {
  const request = c.req.raw;
  const { headers } = request;
  const { WAITER: waiters, CORRELATION_ID_SECRET: uuidSecret } = c.env;
  const refuse = (code: ProblemCode, extras?: ProblemExtras) =>
    respondProblem(code, c.get("correlationId"), extras);

  const clientKey = readClientKey(headers, service, isAnonymous(principal));
  const id =
    clientKey.status === "key"
      ? await deriveExchangeId(service, { ...clientKey, principal }, waiters, uuidSecret)
      : await mintExchangeId(
          service,
          { minted: c.get("correlationId"), now: createdAt },
          waiters,
          uuidSecret,
        );
  const { correlationId } = id;
  c.set("correlationId", correlationId);
  if (clientKey.status === "unusable") return refuse(clientKey.code, { detail: clientKey.why });
  const callback = readCallback(service, headers, c.env);
  if (callback?.ok === false) return refuse("callback_refused", { detail: callback.why });
  const clientCorrelationId = headers.get(httpHeaders.correlationId) ?? undefined;
  if ((clientCorrelationId?.length ?? 0) > maxClientCorrelationIdLength) {
    return refuse("bad_request", {
      detail: `${httpHeaders.correlationId} is longer than ${maxClientCorrelationIdLength} characters`,
    });
  }
  const { forwardClaims } = service;
  const told = forwardClaims.length === 0 ? "" : principalHeader(claims, forwardClaims);
  if (told === undefined) {
    return refuse("forbidden", {
      detail: `the claims that the service takes have more than ${longestPrincipalHeader} characters`,
    });
  }
  const url = new URL(request.url);
  const path = readPath(url.pathname);
  if (!path.ok) return refuse("bad_request", { detail: path.why });
  const preferences = readPreferences(headers.get("Prefer"));
  const isAsync = preferences.respondAsync || preferences.waitSeconds !== undefined;
  const deadlineAt = createdAt + (isAsync ? service.asyncTimeoutMs : service.timeoutMs);
  const bodyTimeoutMs = Math.min(deadlineAt - createdAt, Math.max(service.timeoutMs, longestBodyMs));
  const read = await readBody(request, service.bodyLimitBytes, bodyTimeoutMs);
  if (read.status === "too-large") {
    return refuse("payload_too_large", { detail: `at most ${service.bodyLimitBytes} bytes` });
  }
  if (read.status === "too-slow") {
    return refuse("body_timeout", { detail: `at most ${bodyTimeoutMs} ms` });
  }
  if (read.status === "broken") return refuse("bad_request", { detail: "the body broke off" });
  const { body } = read;
  const invalid = await refuseInvalid(c, service, { headers, body, query: url.searchParams });
  if (invalid !== undefined) return invalid;
  // A body that took its whole time to arrive leaves none for the service.
  if (Date.now() >= deadlineAt) return respondProblem("deadline_exceeded", correlationId, { deadlineAt });
  const key =
    service.recordKey === undefined
      ? ({ ok: true, key: undefined } as const)
      : readRecordKey(service.recordKey, {
          pathParameter: (name) => c.req.param(name),
          query: url.searchParams,
          headers,
          body,
        });
  if (!key.ok) return refuse("bad_request", { detail: `missing: ${key.missing}` });

  const forwarded = present(headers, service.forwardHeaders);
  // HEAD is GET without the body; services need not know it.
  const asked = { method: service.method, path: path.path, query: url.search };
  const identified = (exchangeId: ExchangeId<DurableObjectId>): Identified => {
    const recordKey = key.key ?? exchangeId.correlationId;
    const replyPartition = replyPartitionFor(service, exchangeId.correlationId);
    return {
      id: exchangeId,
      recordKey,
      recordOf: (attempt) =>
        encodeRequest(service.requestTopic, recordKey, body, {
          ...attempt,
          ...asked,
          correlationId: exchangeId.correlationId,
          replyTopic: service.replyTopic,
          ...(replyPartition === undefined ? {} : { replyPartition }),
          ...(clientCorrelationId === undefined ? {} : { clientCorrelationId }),
          ...(told === "" ? {} : { principal: told }),
          forwarded: [...present(headers, passedThroughHeaders), ...forwarded],
          ...(service.headerDialect === "native"
            ? {}
            : { dialect: service.headerDialect, pathParameters: c.req.param() }),
        }),
    };
  };
  const own = identified(id);
  const longest: Attempt = { attempt: createdAt, createdAt, deadlineAt, keepUntil: deadlineAt };
  if (recordBytes(own.recordOf(longest)) > maxRecordBytes) {
    return refuse("payload_too_large", { detail: `at most ${maxRecordBytes} bytes with its headers` });
  }
  return {
    ...own,
    others: id.others.map(identified),
    isKeyed: clientKey.status === "key",
    preferences,
    isAsync,
    deadlineAt,
    clientCorrelationId,
    fingerprint: () =>
      fingerprint({
        ...asked,
        contentType: headers.get("Content-Type"),
        contentEncoding: headers.get("Content-Encoding") ?? undefined,
        recordKey: key.key ?? null,
        forwarded,
        callbackUrl: callback?.url,
        body,
      }),
    callbackUrl: callback?.url,
  };
}

/** Undefined when none is asked for. */
function readCallback(
  { callbacks }: Service,
  headers: Headers,
  { HEARBACK_CALLBACK_TARGETS: targets }: AppEnv["Bindings"],
): CallbackUrl | undefined {
  const text = headers.get(httpHeaders.callbackUrl);
  return text === null ? undefined : readCallbackUrl(text, callbacks?.hosts, targets === "open");
}

/** What the service's schemas have to say; undefined when nothing. */
async function refuseInvalid(
  c: Context<AppEnv>,
  { validate: schemas }: Service,
  checked: Omit<Checked, "pathParameters">,
): Promise<Response | undefined> {
  if (schemas === undefined) return undefined;
  const verdict = await validateRequest(schemas, { ...checked, pathParameters: c.req.param() });
  const correlationId = c.get("correlationId");
  switch (verdict.status) {
    case "valid":
      return undefined;
    case "compressed":
      return respondProblem("unsupported_encoding", correlationId, {
        headers: { "Accept-Encoding": "identity" },
      });
    case "unreadable":
      return respondProblem("body_unreadable", correlationId, { detail: verdict.why });
    case "invalid": {
      const { problems, moreProblems } = verdict;
      return respondProblem("request_invalid", correlationId, {
        problems,
        ...(moreProblems === 0 ? {} : { moreProblems }),
      });
    }
  }
}

function present(headers: Headers, names: readonly string[]): (readonly [name: string, value: string])[] {
  return names.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
}
