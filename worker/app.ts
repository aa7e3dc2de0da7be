// The Hono app: every path the gateway answers, in reading order, and what it says to all others. What a
// path does is in service.ts, operator.ts and dead-letters.ts.

import { Hono, type Handler } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { getPathNoStrict } from "hono/utils/url";
import type { DrainPlacement } from "../consumer/library.ts";
import type { KafkaPort } from "../kafka/index.ts";
import { httpHeaders, logCause } from "../protocol/index.ts";
import type { ApiKey } from "./access/api-key-list.ts";
import type { KeySet } from "./access/key-set.ts";
import { Admission } from "./admission/admission.ts";
import type { GatewayConfig } from "./config.ts";
import { admissionHandler } from "./operator/admission.ts";
import { deadLetterHandlers } from "./operator/dead-letters.ts";
import type { GatewayEnv } from "./env.ts";
import type { Nudger } from "./exchange/nudger.ts";
import type { ParkedWaits } from "./exchange/parked-waits.ts";
import { answerHealthz, ledgerHandler, operatorsOnly, readyzHandler } from "./operator/operator.ts";
import { cancelHandler, lookHandler } from "./requests.ts";
import { createCors } from "./http/cors.ts";
import { withinLimits } from "./http/limits.ts";
import { respondProblem } from "./http/respond.ts";
import { securityHeaders } from "./http/security-headers.ts";
import { serviceHandler } from "./service.ts";

export interface AppEnv {
  Bindings: GatewayEnv;
  Variables: {
    /** Minted for every request, so that every answer can carry one. */
    correlationId: string;
  };
}

/** What handlers need beside the request; built once per isolate. */
export interface GatewayDeps {
  readonly kafkaFor: (env: GatewayEnv) => KafkaPort;
  readonly placementFor: (env: GatewayEnv) => DrainPlacement;
  readonly nudger: Nudger;
  readonly parkedWaits: ParkedWaits;
  /** The list of API keys in a secret, read once; the check of the environment found nothing wrong with it. */
  readonly apiKeysOf: (env: GatewayEnv, secret: string) => readonly ApiKey[];
  readonly keySetAt: (jwksUrl: string) => KeySet;
  /** Problems of the environment; empty when it is complete. */
  readonly checkEnvironment: (env: GatewayEnv) => readonly string[];
}

export function createApp(config: GatewayConfig, deps: GatewayDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ getPath: pathToRoute });
  const cors = createCors(config);
  const routes = new TrieRouter<string>();
  const answer = (method: string, path: string, handler: Handler<AppEnv>): void => {
    routes.add(method, path, method);
    app.on(method, path, handler);
  };

  app.use(securityHeaders(cors.isPublic));
  app.use(async (c, next) => {
    const problems = deps.checkEnvironment(c.env);
    if (problems.length > 0) {
      console.error(`hearback: the environment is not complete\n${problems.join("\n")}`);
      // The binding that mints IDs may be what is missing.
      return respondProblem("misconfigured", crypto.randomUUID(), {
        detail: "The log says what is missing.",
      });
    }
    c.set("correlationId", c.env.WAITER.newUniqueId().toString());
    await next();
    if (!c.res.headers.has(httpHeaders.correlationId)) {
      // A path may have found out meanwhile which exchange it is about.
      c.header(httpHeaders.correlationId, c.get("correlationId"));
    }
    return undefined;
  });
  app.use(cors.middleware);
  app.use(withinLimits(config.limits));
  app.use("/_hearback/*", operatorsOnly);

  answer("GET", "/healthz", answerHealthz);
  answer("GET", "/readyz", readyzHandler(deps));
  answer("GET", "/_hearback/ledger", ledgerHandler(config, deps));
  const admissions = new Map(config.services.map((service) => [service.name, new Admission(service)]));
  answer("GET", "/_hearback/admission", admissionHandler(admissions));
  const deadLetters = deadLetterHandlers(deps);
  answer("GET", "/_hearback/dead-letters", deadLetters.list);
  answer("POST", "/_hearback/dead-letters/redrive", deadLetters.redriveAll);
  answer("GET", "/_hearback/dead-letters/:id{[0-9]{1,16}}", deadLetters.show);
  answer("DELETE", "/_hearback/dead-letters/:id{[0-9]{1,16}}", deadLetters.discard);
  answer("POST", "/_hearback/dead-letters/:id{[0-9]{1,16}}/redrive", deadLetters.redrive);
  answer("GET", "/requests/:id", lookHandler(config, deps));
  answer("DELETE", "/requests/:id", cancelHandler(config, deps));
  for (const service of config.services) {
    const admission = admissions.get(service.name) ?? new Admission(service);
    answer(service.method, service.path, serviceHandler(service, config, deps, admission));
  }

  app.notFound((c) => {
    const allowed = allowedMethods(routes, c.req.path);
    if (allowed.length === 0) return respondProblem("not_found", c.get("correlationId"));
    const allow = allowed.join(", ");
    if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allow });
    return respondProblem("method_not_allowed", c.get("correlationId"), { headers: { Allow: allow } });
  });
  app.onError((cause, c) => {
    // A client that leaves in the middle of its own body is no failure of ours, and reads no answer.
    if (c.req.raw.signal.aborted) return respondProblem("cancelled", c.get("correlationId"));
    console.error(`hearback: a request failed: ${logCause(cause)}`);
    return respondProblem("internal", c.get("correlationId"));
  });
  return app;
}

/** Without `..`, also where it is encoded, and without a trailing slash: what is routed is what the service is told. */
function pathToRoute(request: Request): string {
  // What is no URL is no path of anybody.
  const url = URL.parse(request.url);
  return url === null ? "" : getPathNoStrict({ url: url.href } as Request);
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** HEAD comes with GET, OPTIONS with every path that exists. */
function allowedMethods(routes: TrieRouter<string>, path: string): string[] {
  const found = methods.filter((method) => routes.match(method, path)[0].length > 0);
  if (found.length === 0) return [];
  return [...found.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"];
}
