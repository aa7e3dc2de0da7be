// Entry of a consumer that is deployed apart from the gateway: the drain and its watchdog. The gateway binds
// REPLY_DRAIN to this script, and this script binds WAITER to the gateway's.

import config from "../hearback.config.ts";
import { createConsumer } from "./library.ts";

export { ReplyDrain } from "./library.ts";
export default createConsumer(config);
