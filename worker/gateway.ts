// Puts a gateway together: a checked config becomes the handlers that a Worker exports. The only place
// where the parts of the gateway meet.

import { assignmentOf, createConsumer, placementOf } from "../consumer/library.ts";
import { createUpstashKafka, type KafkaPort } from "../kafka/index.ts";
import type { ApiKey } from "./access/api-key-list.ts";
import { KeySet } from "./access/key-set.ts";
import { createApp, type GatewayDeps } from "./app.ts";
import type { GatewayConfig } from "./config.ts";
import { apiKeysIn, environmentProblems, type GatewayEnv } from "./env.ts";
import { Nudger } from "./exchange/nudger.ts";
import { ParkedWaits } from "./exchange/parked-waits.ts";

export interface Gateway {
  fetch(request: Request, env: GatewayEnv, ctx: ExecutionContext): Response | Promise<Response>;
  /** The watchdog's tick; belongs on a cron trigger of every minute. */
  scheduled(controller: ScheduledController, env: GatewayEnv): Promise<void>;
}

/** Handlers for a Worker's default export. `config` comes from `defineGateway` and is checked already. */
export function createGateway(config: GatewayConfig): Gateway {
  let kafka: KafkaPort | undefined;
  let environmentIsComplete = false;
  const apiKeys = new Map<string, readonly ApiKey[]>();
  const keySets = new Map<string, KeySet>();
  const deps: GatewayDeps = {
    kafkaFor: (env) =>
      (kafka ??= createUpstashKafka({
        url: env.UPSTASH_KAFKA_REST_URL,
        username: env.UPSTASH_KAFKA_REST_USERNAME,
        password: env.UPSTASH_KAFKA_REST_PASSWORD,
      })),
    placementFor: (env) => placementOf(config, env),
    apiKeysOf: (env, secret) => {
      const known = apiKeys.get(secret) ?? apiKeysIn(env, secret);
      apiKeys.set(secret, known);
      return known;
    },
    keySetAt: (url) => {
      const known = keySets.get(url) ?? new KeySet(url, (href, init) => fetch(href, init));
      keySets.set(url, known);
      return known;
    },
    nudger: new Nudger(assignmentOf(config)),
    parkedWaits: new ParkedWaits(),
    checkEnvironment: (env) => {
      if (environmentIsComplete) return [];
      const problems = environmentProblems(env, config);
      environmentIsComplete = problems.length === 0;
      return problems;
    },
  };
  const app = createApp(config, deps);
  return {
    fetch: (request, env, ctx) => app.fetch(request, env, ctx),
    ...createConsumer(config),
  };
}
