// The gateway's configuration: turns options into a resolved config or a list of all problems. What may be declared
// and which rules hold is in config/; it reads no environment and does no I/O.

import * as v from "valibot";
import type { OwnedPartitions } from "../protocol/index.ts";
import type { ConfigProblem, GatewayConfig, GatewayOptions } from "./config/options.ts";
import { configProblems } from "./config/rules.ts";
import { gatewaySchema } from "./config/schema.ts";
import { show } from "./config/show.ts";

export type { BreakerOptions, Fallback, FallbackOptions } from "./config/admission.ts";
export type {
  Authentication,
  AuthenticationOptions,
  CloudflareAccessOptions,
  JwtAlgorithm,
  JwtOptions,
} from "./config/authentication.ts";
export type { CallbackOptions } from "./config/callbacks.ts";
export type {
  CorsOptions,
  LimitOptions,
  RateLimitOptions,
  Schemas,
  ValidationOptions,
} from "./config/http.ts";
export type {
  ConfigProblem,
  GatewayConfig,
  GatewayOptions,
  RecordKeySource,
  Service,
  ServiceOptions,
} from "./config/options.ts";

export type ConfigResult =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Thrown when a config breaks rules; the message lists all of them. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`the gateway's config breaks ${problems.length} rule(s):\n${describeProblems(problems)}`);
    this.problems = problems;
  }
}

/** Declares a gateway: checks the options and settles every default. Throws a ConfigError. */
export function defineGateway(options: GatewayOptions): GatewayConfig {
  const resolved = resolveGateway(options);
  if (!resolved.ok) throw new ConfigError(resolved.problems);
  return resolved.config;
}

/** Checks everything and reports every problem at once. `input` may be anything: configs also come from plain JavaScript. */
export function resolveGateway(input: unknown): ConfigResult {
  const parsed = v.safeParse(gatewaySchema, input);
  if (!parsed.success) return { ok: false, problems: parsed.issues.map(shapeProblem) };
  const { services, produceTimeoutMs, workersPlan, drainLocation, limits } = parsed.output;
  const config: GatewayConfig = {
    services: Object.entries(services).map(([name, { route, replyPartitions, ...rest }]) => {
      const [method = "", path = ""] = route.split(" ");
      const { recordKey, capacityPerPrincipal, fallback, responderGroup } = rest;
      return {
        ...rest,
        // Named, since what is not declared has no member.
        recordKey,
        capacityPerPrincipal,
        fallback,
        responderGroup,
        replyPartitions: inOrder(replyPartitions),
        name,
        method,
        path: withoutTrailingSlash(path),
      };
    }),
    produceTimeoutMs,
    workersPlan,
    drainLocation,
    limits,
  };
  const problems = configProblems(config);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config };
}

/** Requests are routed without it, too. */
function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** So that two sets of the same partitions are equal. */
function inOrder(partitions: number | OwnedPartitions): number | OwnedPartitions {
  if (typeof partitions === "number") return partitions;
  return { own: partitions.own.toSorted((a, b) => a - b), of: partitions.of };
}

/** One line per problem: name, received value, rule. */
function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ option, received, rule }) => `${option}: received ${received}; ${rule}`).join("\n");
}

interface ShapeIssue {
  readonly message: string;
  readonly input: unknown;
  readonly expected: string | null;
  readonly type: string;
  readonly path?: readonly { readonly key?: unknown }[] | undefined;
}

function shapeProblem(issue: ShapeIssue): ConfigProblem {
  const option = issue.path?.map(({ key }) => String(key)).join(".") ?? "config";
  const rule =
    issue.type !== "strict_object"
      ? issue.message
      : issue.expected === "never"
        ? "is not an option; check its spelling"
        : "is missing";
  return { option, received: show(issue.input), rule };
}
