// Worker entry of the runtime tests: the default deployment with the tests' own services.

import { createGateway } from "../../worker/gateway.ts";
import config from "./gateway-config.ts";

export { ReplyDrain, Waiter } from "../../worker/library.ts";
export default createGateway(config);
