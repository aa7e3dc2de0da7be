// Entry of the default deployment: the gateway, the watchdog, and both objects in one Worker.

import config from "../hearback.config.ts";
import { createGateway } from "./gateway.ts";

export { ReplyDrain, Waiter } from "./library.ts";
export default createGateway(config);
