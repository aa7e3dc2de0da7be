// How many requests one caller may send to one service: asks the Workers rate-limit binding, and tells clients by
// draft-ietf-httpapi-ratelimit-headers. It is a guard and no quota: it counts per Cloudflare location, and a binding
// that fails lets everybody through.

import type { Context } from "hono";
import { withDeadline } from "../../kafka/index.ts";
import { logText, SparseLog } from "../../protocol/index.ts";
import type { AppEnv } from "../app.ts";
import type { Service } from "../config.ts";
import { callerKey, clientAddress } from "./caller-key.ts";
import { respondProblem } from "./respond.ts";

/** The binding, as far as it is used here. */
export interface RateLimiter {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** A guard must not be what makes a request slow. */
const bindingTimeoutMs = 500;

export interface RateLimit {
  /** The 429 for a caller that is over it; undefined: go on. `principal` as in `callerKey`. */
  refuse(c: Context<AppEnv>, principal: string): Promise<Response | undefined>;
  /** Tells the policy. How much of it is left the binding does not say. */
  announce(response: Response): Response;
}

/** Of a service that has one. */
export function rateLimitOf({ name, rateLimit: options }: Service): RateLimit | undefined {
  if (options === undefined) return undefined;
  const { binding, limit, periodSeconds } = options;
  const log = new SparseLog();
  return {
    async refuse(c, principal) {
      // That it is there was checked with the rest of the environment.
      const limiter = (c.env as unknown as Readonly<Record<string, RateLimiter>>)[binding] as RateLimiter;
      const key = JSON.stringify([name, callerKey(principal, clientAddress(c.req.raw.headers))]);
      if (await isWithinRate(limiter, key, log, Date.now())) return undefined;
      return respondProblem("rate_limited", c.get("correlationId"), {
        headers: {
          // When the period began is not told: after a whole one it is over for certain.
          "Retry-After": String(periodSeconds),
          RateLimit: `"${name}";r=0;t=${periodSeconds}`,
        },
      });
    },
    announce(response) {
      response.headers.set("RateLimit-Policy", `"${name}";q=${limit};w=${periodSeconds}`);
      return response;
    },
  };
}

/** Whether the binding lets the request through. A failure is logged to `log`, and does. */
export async function isWithinRate(
  limiter: RateLimiter,
  key: string,
  log: SparseLog,
  now: number,
): Promise<boolean> {
  const asked = Promise.resolve().then(() => limiter.limit({ key }));
  const answered = await withDeadline(asked, bindingTimeoutMs);
  if (answered.status === "done") return answered.value.success;
  const why = answered.status === "late" ? `no answer in ${bindingTimeoutMs} ms` : String(answered.cause);
  const line = log.line(`a rate limit cannot be asked, and lets everybody through: ${logText(why)}`, now);
  if (line !== undefined) console.error(line);
  return true;
}
