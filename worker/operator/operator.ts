// The paths for operators and orchestrators: health, readiness, the ledger. They tell what is; they
// change nothing.

import type { Context, MiddlewareHandler } from "hono";
import { attribute, drainOf, sumOfServices, type DrainStatus } from "../../consumer/library.ts";
import { withDeadline } from "../../kafka/index.ts";
import { readBearer } from "../access/credentials.ts";
import { sameSecret } from "../access/secrets.ts";
import type { AppEnv, GatewayDeps } from "../app.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayEnv } from "../env.ts";
import { respondProblem } from "../http/respond.ts";

const readinessTimeoutMs = 2_000;

/** The process is up and answers. */
export function answerHealthz(c: Context<AppEnv>): Response {
  return c.json({ status: "ok" });
}

/** Kafka REST answers, and the drain polls or has nothing to do. 503 otherwise, saying which. */
export function readyzHandler(deps: GatewayDeps) {
  return async function answerReadyz(c: Context<AppEnv>): Promise<Response> {
    const [topics, drain] = await Promise.all([
      deps.kafkaFor(c.env).topics(readinessTimeoutMs),
      drainHealth(deps, c.env),
    ]);
    const kafka = topics.status === "read" ? "up" : "unreachable";
    if (kafka === "up" && drain !== "silent" && drain !== "unreachable") {
      return c.json({ status: "ready", kafka, drain });
    }
    return respondProblem("not_ready", c.get("correlationId"), {
      detail: `Kafka REST is ${kafka}, the drain is ${drain}`,
      headers: { "Retry-After": "1" },
    });
  };
}

async function drainHealth(
  deps: GatewayDeps,
  env: GatewayEnv,
): Promise<DrainStatus["health"] | "unreachable"> {
  const status = await withDeadline(drainOf(deps.placementFor(env)).status(), readinessTimeoutMs);
  return status.status === "done" ? status.value.health : "unreachable";
}

/**
 * Every reply read and what became of it, per partition and per service. What no waiter could name belongs to the
 * service that has the reply topic for itself.
 */
export function ledgerHandler(config: GatewayConfig, deps: GatewayDeps) {
  return async function answerLedger(c: Context<AppEnv>): Promise<Response> {
    const ledger = await drainOf(deps.placementFor(c.env)).ledger();
    const partitions = ledger.partitions.map((partition) => {
      const services = config.services
        .filter(({ replyTopic }) => replyTopic === partition.topic)
        .map(({ name }) => name);
      return {
        services,
        ...partition,
        // A drain of an earlier deploy has no such counts.
        byService: attribute(partition.verdicts, partition.byService ?? {}, services),
      };
    });
    const services = sumOfServices(partitions.map(({ byService }) => byService));
    return c.json({ ...ledger, services, partitions });
  };
}

/** Lets only the bearer of the operator token through. */
export const operatorsOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { HEARBACK_OPERATOR_ACCESS: access, HEARBACK_OPERATOR_TOKEN: token } = c.env;
  const given = readBearer(c.req.raw.headers);
  if (access !== "open" && !(token && given !== undefined && (await sameSecret(given, token)))) {
    return respondProblem("operator_token_required", c.get("correlationId"), {
      headers: { "WWW-Authenticate": 'Bearer realm="hearback"' },
    });
  }
  return next();
};
