// The default deployment, with services that the bench chooses: its options come as JSON in a variable. Which of the
// two waiters it uses, the bindings say.

import { env } from "cloudflare:workers";
import { defineGateway, type GatewayOptions } from "../../../../worker/config.ts";
import { createGateway } from "../../../../worker/gateway.ts";

export { ReplyDrain, Waiter } from "../../../../worker/library.ts";
export { WaiterInMemory } from "./waiter-in-memory.ts";

const { GATEWAY_OPTIONS } = env as unknown as { readonly GATEWAY_OPTIONS: string };

export default createGateway(defineGateway(JSON.parse(GATEWAY_OPTIONS) as GatewayOptions));
