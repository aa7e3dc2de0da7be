// A gateway that takes each request with a key for one that was never made before.

import type { GatewayEnv } from "../../../worker/env.ts";
import { createGateway } from "../../../worker/gateway.ts";
import config from "../gateway/config.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const gateway = createGateway(config);
const keyHeader = "Idempotency-Key";

export default {
  ...gateway,
  fetch(request: Request, env: GatewayEnv, ctx: ExecutionContext): Response | Promise<Response> {
    if (!request.headers.has(keyHeader)) return gateway.fetch(request, env, ctx);
    const headers = new Headers(request.headers);
    headers.set(keyHeader, `"${crypto.randomUUID()}"`);
    return gateway.fetch(new Request(request, { headers }), env, ctx);
  },
};
