// Which pages of other origins may call what (CORS), by the options of the service that a request is for. What the
// headers say to a browser is Hono's middleware; which of them stands for a path is decided here.

import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { TrieRouter } from "hono/router/trie-router";
import { httpHeaders, recordHeaders } from "../../protocol/index.ts";
import type { AppEnv } from "../app.ts";
import type { GatewayConfig, Service } from "../config.ts";

export interface Cors {
  readonly middleware: MiddlewareHandler<AppEnv>;
  /** Whether the answers of this path are for all pages. */
  readonly isPublic: (path: string, method: string) => boolean;
}

interface Policy {
  readonly isPublic: boolean;
  readonly middleware: MiddlewareHandler<AppEnv>;
}

const exposedHeaders = [
  httpHeaders.correlationId,
  httpHeaders.clientCorrelationId,
  "Location",
  "Retry-After",
  "Preference-Applied",
  "RateLimit",
  "RateLimit-Policy",
  httpHeaders.callbackStatus,
];

const allowedHeaders = [
  recordHeaders.contentType,
  recordHeaders.contentEncoding,
  "Authorization",
  "Idempotency-Key",
  "Prefer",
  "X-API-Key",
  httpHeaders.correlationId,
  recordHeaders.traceparent,
  recordHeaders.tracestate,
];

export function createCors({ services }: Pick<GatewayConfig, "services">): Cors {
  const policies = new TrieRouter<Policy | undefined>();
  const ofRequests = policyOfRequests(services);
  for (const method of ["GET", "DELETE"]) policies.add(method, "/requests/:id", ofRequests);
  for (const service of services) policies.add(service.method, service.path, policyOf(service));
  const find = (path: string, method: string): Policy | undefined =>
    policies.match(method === "HEAD" ? "GET" : method, path)[0][0]?.[0];
  return {
    isPublic: (path, method) => find(path, method)?.isPublic ?? false,
    async middleware(c, next) {
      const { method } = c.req;
      const wanted = method === "OPTIONS" ? preflightedMethod(c.req.raw.headers) : method;
      const policy = wanted === undefined ? undefined : find(c.req.path, wanted);
      return policy === undefined ? next() : policy.middleware(c, next);
    },
  };
}

/** Undefined for an OPTIONS that only wants to know what there is. */
function preflightedMethod(headers: Headers): string | undefined {
  return headers.has("Origin") ? (headers.get("Access-Control-Request-Method") ?? undefined) : undefined;
}

function policyOf({
  method,
  cors: options,
  forwardHeaders,
  recordKey,
  callbacks,
}: Service): Policy | undefined {
  if (options === undefined) return undefined;
  const { origins, credentials, maxAgeSeconds } = options;
  const keyHeader = recordKey !== undefined && "header" in recordKey ? [recordKey.header] : [];
  const callbackHeader = callbacks === undefined ? [] : [httpHeaders.callbackUrl];
  return {
    isPublic: origins === "*",
    middleware: cors({
      origin: origins === "*" ? "*" : [...origins],
      credentials,
      maxAge: maxAgeSeconds,
      allowMethods: withHead(method),
      allowHeaders: withoutRepeats([...allowedHeaders, ...callbackHeader, ...forwardHeaders, ...keyHeader]),
      exposeHeaders: exposedHeaders,
    }),
  };
}

/** Whoever may call a service may ask for what became of it; with credentials only who may call one with them. */
function policyOfRequests(services: readonly Service[]): Policy | undefined {
  const all = services.flatMap(({ cors: options }) => options ?? []);
  if (all.length === 0) return undefined;
  const originsOf = (some: typeof all) =>
    new Set(some.flatMap(({ origins }) => (origins === "*" ? [] : origins)));
  const listed = originsOf(all);
  const credentialed = originsOf(all.filter(({ credentials }) => credentials));
  const isPublic = all.some(({ origins }) => origins === "*");
  const shared = {
    maxAge: Math.min(...all.map(({ maxAgeSeconds }) => maxAgeSeconds)),
    allowMethods: ["GET", "HEAD", "DELETE"],
    allowHeaders: allowedHeaders,
    exposeHeaders: exposedHeaders,
  };
  // As a function even where it says "*", so that the answer is known to depend on the origin.
  const anonymously = cors({
    ...shared,
    origin: (origin) => (listed.has(origin) ? origin : isPublic ? "*" : undefined),
  });
  const withCredentials = cors({ ...shared, origin: [...credentialed], credentials: true });
  return {
    isPublic,
    middleware: (c, next) =>
      credentialed.has(c.req.header("Origin") ?? "") ? withCredentials(c, next) : anonymously(c, next),
  };
}

function withHead(method: string): string[] {
  return method === "GET" ? ["GET", "HEAD"] : [method];
}

function withoutRepeats(names: readonly string[]): string[] {
  const lower = names.map((name) => name.toLowerCase());
  return names.filter((_, at) => lower.indexOf(lower[at] ?? "") === at);
}
