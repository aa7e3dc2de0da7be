// The gateway that ships, but for what becomes of its answers.

import type { GatewayEnv } from "../../../../worker/env.ts";
import { createGateway, type Gateway } from "../../../../worker/gateway.ts";
import config from "../../gateway/config.ts";

/** `change` is given the body of each 200, and the path that was asked. */
export function changedAnswers(
  change: (body: string, path: string) => string | null | Promise<string | null>,
): Gateway {
  const gateway = createGateway(config);
  return {
    ...gateway,
    async fetch(request: Request, env: GatewayEnv, ctx: ExecutionContext): Promise<Response> {
      const { pathname } = new URL(request.url);
      const response = await gateway.fetch(request, env, ctx);
      const isAnswer = response.status === 200 && /^\/(plain|keyed|async|requests)\b/.test(pathname);
      return isAnswer ? new Response(await change(await response.text(), pathname), response) : response;
    },
  };
}
