// Bindings, variables and secrets of the gateway Worker, checked once. Values of secrets are never printed.

import type { DrainEnv, ReplyDrain } from "../consumer/library.ts";
import { parseWebhookSecrets, readSigningSecrets } from "../protocol/index.ts";
import { parseApiKeys, type ApiKey } from "./access/api-key-list.ts";
import { apiKeySecrets } from "./access/credentials.ts";
import type { GatewayConfig } from "./config.ts";
import { callbackSecrets } from "./config/callbacks.ts";

export interface GatewayEnv extends DrainEnv {
  readonly REPLY_DRAIN: DurableObjectNamespace<ReplyDrain>;
  /** Bearer token of the operator paths; without it they answer nobody. */
  readonly HEARBACK_OPERATOR_TOKEN?: string;
  /** `"open"` lets everybody use the operator paths: for local development. */
  readonly HEARBACK_OPERATOR_ACCESS?: string;
  /** `"open"` lets callbacks go to any host, by http too, listed or not: for local development. */
  readonly HEARBACK_CALLBACK_TARGETS?: string;
}

/** Everything that is missing or unusable, in one go; empty when the environment is complete. */
export function environmentProblems(env: Partial<GatewayEnv>, config: GatewayConfig): string[] {
  const problems: string[] = [];
  for (const name of ["WAITER", "REPLY_DRAIN"] as const) {
    if (env[name] === undefined) problems.push(`binding ${name} is missing from the Wrangler configuration`);
  }
  const secrets = [
    "UPSTASH_KAFKA_REST_URL",
    "UPSTASH_KAFKA_REST_USERNAME",
    "UPSTASH_KAFKA_REST_PASSWORD",
  ] as const;
  for (const name of secrets) {
    if (!env[name])
      problems.push(`${name} is not set (locally in .dev.vars, deployed with wrangler secret put)`);
  }
  const url = env.UPSTASH_KAFKA_REST_URL;
  if (url && !URL.canParse(url)) problems.push("UPSTASH_KAFKA_REST_URL is not a URL");
  for (const { name, rateLimit } of config.services) {
    if (rateLimit !== undefined && !isRateLimiter((env as Record<string, unknown>)[rateLimit.binding])) {
      problems.push(
        `binding ${rateLimit.binding}, which services.${name}.rateLimit names, is missing from [[ratelimits]] of the Wrangler configuration`,
      );
    }
  }
  const uuidService = config.services.find(({ correlationIds }) => correlationIds === "uuid");
  const signing = readSigningSecrets(env.CORRELATION_ID_SECRET);
  if (uuidService !== undefined && !signing.ok) {
    problems.push(
      `CORRELATION_ID_SECRET ${signing.problem}, because services.${uuidService.name} uses UUIDs`,
    );
  }
  for (const name of apiKeySecrets(config.services)) {
    const text = variableOf(env, name);
    if (text === undefined) {
      problems.push(`${name} is not set, which holds API keys (npm run api-key makes entries of its list)`);
      continue;
    }
    const list = parseApiKeys(text);
    if (!list.ok) problems.push(...list.problems.map((problem) => `${name}: ${problem}`));
  }
  for (const name of callbackSecrets(config.services)) {
    const text = variableOf(env, name);
    const parsed = text === undefined ? undefined : parseWebhookSecrets(text);
    if (parsed === undefined) problems.push(`${name} is not set, which signs callbacks`);
    else if (!parsed.ok) problems.push(`${name}: ${parsed.rule}`);
  }
  return problems;
}

function isRateLimiter(binding: unknown): boolean {
  return typeof (binding as { readonly limit?: unknown } | undefined)?.limit === "function";
}

/** Throws for a list that the check of the environment would have found wrong. */
export function apiKeysIn(env: GatewayEnv, secret: string): readonly ApiKey[] {
  const list = parseApiKeys(variableOf(env, secret) ?? "");
  if (!list.ok) throw new Error(`${secret} was not checked`);
  return list.keys;
}

/** Undefined for what is no text, too: a binding, or a variable that is JSON already. */
function variableOf(env: object, name: string): string | undefined {
  const value: unknown = (env as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
