// The Worker of a sidecar: the gateway with the config that its process made for one service, and a path on which
// that process does what cron does elsewhere. Both come as variables, since they depend on the run.

import { env } from "cloudflare:workers";
import type { GatewayConfig } from "../worker/config.ts";
import type { GatewayEnv } from "../worker/env.ts";
import { createGateway, type Gateway } from "../worker/gateway.ts";

export { ReplyDrain, Waiter } from "../worker/library.ts";

interface SidecarEnv {
  readonly SIDECAR_CONFIG: GatewayConfig;
  /** Path and query of a tick, with a secret in it: nobody else may keep the drain busy. */
  readonly SIDECAR_TICK: string;
}

const { SIDECAR_CONFIG: config, SIDECAR_TICK: tick } = env as unknown as SidecarEnv;
const gateway = createGateway(config);

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
