// A gateway that refuses nineteen of twenty who come without a key, though nothing is wrong.

import type { GatewayEnv } from "../../../worker/env.ts";
import { createGateway } from "../../../worker/gateway.ts";
import config from "../gateway/config.ts";
import { everyNth } from "./parts/every-nth.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const gateway = createGateway(config);
const isOneInTwenty = everyNth(20);

export default {
  ...gateway,
  fetch(request: Request, env: GatewayEnv, ctx: ExecutionContext): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const isKeyless = /^\/(plain|async)$/.test(pathname) && !request.headers.has("Idempotency-Key");
    return isKeyless && !isOneInTwenty() ? refusal() : gateway.fetch(request, env, ctx);
  },
};

function refusal(): Response {
  return Response.json(
    { code: "circuit_open" },
    {
      status: 503,
      headers: {
        "Content-Type": "application/problem+json",
        "Retry-After": "1",
        "X-Correlation-ID": crypto.randomUUID(),
      },
    },
  );
}
