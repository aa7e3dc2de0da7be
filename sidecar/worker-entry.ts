// The Worker of a sidecar: the gateway with the config for one service, and a path on which its process does what
// cron does elsewhere. Which service, and which path, comes as variables, since it depends on the run.

import { env } from "cloudflare:workers";
import gatewayConfig from "hearback-sidecar-config";
import type { GatewayConfig } from "../worker/config.ts";
import type { GatewayEnv } from "../worker/env.ts";
import { createGateway, type Gateway } from "../worker/gateway.ts";
import { configForSidecar } from "./one-service.ts";

export { ReplyDrain, Waiter } from "../worker/library.ts";

interface SidecarEnv {
  readonly SIDECAR_SERVICE: string;
  /** Last part of the name of its reply topic. */
  readonly SIDECAR_NAME: string;
  /** Path and query of a tick, with a secret in it: nobody else may keep the drain busy. */
  readonly SIDECAR_TICK: string;
}

const { SIDECAR_SERVICE: service, SIDECAR_NAME: name, SIDECAR_TICK: tick } = env as unknown as SidecarEnv;
const gateway = createGateway(configForSidecar(gatewayConfig as GatewayConfig, service, name));

export default {
  ...gateway,
  async fetch(request: Request, bindings: GatewayEnv, ctx: ExecutionContext): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (pathname + search !== tick) return await gateway.fetch(request, bindings, ctx);
    const controller = { cron: "", scheduledTime: Date.now(), noRetry: () => undefined };
    await gateway.scheduled(controller, bindings);
    return new Response(null, { status: 204 });
  },
} satisfies Gateway;
