// Between a request and whoever serves it: who asks, or the answer that sends the caller away. It reads headers and
// never the body; what is decided is in authenticate.ts.

import type { Context } from "hono";
import type { AppEnv, GatewayDeps } from "../app.ts";
import type { Authentication } from "../config/authentication.ts";
import { respondProblem } from "../http/respond.ts";
import { authenticate, authenticateAll, type AccessDeps, type Refused } from "./authenticate.ts";
import { readCredentials } from "./credentials.ts";
import { retryAfterMs } from "./key-set.ts";
import { anonymousCaller, nameOfPrincipal, type Caller } from "./principal.ts";

/** Where nobody has to say who they are, all are anonymous, whatever they send. */
export async function callerOfService(
  c: Context<AppEnv>,
  ways: readonly Authentication[],
  deps: GatewayDeps,
): Promise<Caller | Response> {
  if (ways.length === 0) return anonymousCaller;
  const outcome = await authenticate(ways, readCredentials(c.req.raw.headers), accessDeps(c, deps));
  return outcome.status === "accepted" ? outcome.caller : refuse(c, outcome.status);
}

export interface Comers {
  /** Names of everybody that the credentials prove; of the anonymous caller where they prove nobody. */
  readonly principals: readonly string[];
  /**
   * What is said of credentials that none of the services accepts, wherever they would have mattered: not where the
   * exchange is everybody's, since a service without authentication never asked for them.
   */
  readonly refusal: Response | undefined;
}

/** Who comes back for an exchange, of which nobody knows here whose service it is. */
export async function comersOf(
  c: Context<AppEnv>,
  ways: readonly Authentication[],
  deps: GatewayDeps,
): Promise<Comers> {
  const sent = readCredentials(c.req.raw.headers);
  const { callers, refused } = await authenticateAll(ways, sent, accessDeps(c, deps));
  const proven = callers.length > 0;
  return {
    principals: (proven ? callers : [anonymousCaller]).map(({ principal }) => nameOfPrincipal(principal)),
    refusal: proven || refused === "missing" ? undefined : refuse(c, refused),
  };
}

function accessDeps(c: Context<AppEnv>, deps: GatewayDeps): AccessDeps {
  return { apiKeys: (secret) => deps.apiKeysOf(c.env, secret), keySet: deps.keySetAt, now: Date.now };
}

/** RFC 6750. Why a credential is not taken is not said: it would help to make a better one. */
function refuse(c: Context<AppEnv>, status: Refused): Response {
  const correlationId = c.get("correlationId");
  const challenge = (error?: string) => ({
    "WWW-Authenticate": `Bearer realm="hearback"${error === undefined ? "" : `, error="${error}"`}`,
  });
  switch (status) {
    case "missing":
      return respondProblem("unauthenticated", correlationId, { headers: challenge() });
    case "invalid":
      return respondProblem("unauthenticated", correlationId, { headers: challenge("invalid_token") });
    case "forbidden":
      return respondProblem("forbidden", correlationId, { headers: challenge("insufficient_scope") });
    case "unavailable":
      return respondProblem("authentication_unavailable", correlationId, {
        headers: { "Retry-After": String(retryAfterMs / 1_000) },
      });
  }
}
