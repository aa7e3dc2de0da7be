// What is asked for in a chaos run: its services, its callers, and how long each of its exchanges lives. Read by the
// Worker and by the processes around it.

import type { GatewayOptions } from "../../../worker/config.ts";

export const requestTopic = "chaos.requests.v1";
export const replyTopic = "chaos.replies.v1";
export const requestPartitions = 4;
export const replyPartitions = 3;

/** Name of the secret with the digests of the callers' keys, and of the variable with the times. */
export const apiKeysSecret = "API_KEYS";
export const timesVariable = "CHAOS_TIMES";

export const principals = ["acme", "globex"] as const;
export type Principal = (typeof principals)[number];

/** In ms: the deadlines of the three kinds of calls, and for how long a durable exchange is kept after its own. */
export interface Times {
  readonly plainMs: number;
  readonly keyedMs: number;
  readonly asyncMs: number;
  readonly retentionMs: number;
}

/** Guards, breaker and capacity are those of a service that says nothing of them. */
export function gatewayOptions({ plainMs, keyedMs, asyncMs, retentionMs }: Times): GatewayOptions {
  const service = {
    requestTopic,
    replyTopic,
    replyPartitions,
    retentionMs,
    authentication: [{ apiKeys: apiKeysSecret }],
    forwardClaims: ["sub"],
  } as const;
  return {
    workersPlan: "paid",
    services: {
      plain: { ...service, route: "POST /plain", timeoutMs: plainMs, asyncTimeoutMs: asyncMs },
      keyed: {
        ...service,
        route: "POST /keyed",
        timeoutMs: keyedMs,
        asyncTimeoutMs: Math.max(asyncMs, keyedMs),
        idempotencyKey: "required",
      },
      async: {
        ...service,
        route: "POST /async",
        timeoutMs: Math.min(10_000, asyncMs),
        asyncTimeoutMs: asyncMs,
      },
    },
  };
}
