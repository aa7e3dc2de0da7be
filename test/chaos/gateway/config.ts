// The config of the gateway under chaos, as its Worker reads it. A gateway that is broken on purpose starts from it too.

import { env } from "cloudflare:workers";
import { defineGateway } from "../../../worker/config.ts";
import { gatewayOptions, timesVariable, type Times } from "./services.ts";

const { [timesVariable]: times } = env as unknown as Readonly<Record<typeof timesVariable, string>>;

export default defineGateway(gatewayOptions(JSON.parse(times) as Times));
