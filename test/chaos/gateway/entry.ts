// The gateway under chaos: what ships, with the services of a chaos run.

import { createGateway } from "../../../worker/gateway.ts";
import config from "./config.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";
export default createGateway(config);
