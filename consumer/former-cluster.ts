// Entry of a Worker that reads the reply topics of a cluster that the gateway is leaving, or has left, for as long as
// somebody waits there. It has a drain of its own, and the gateway's waiters; docs/operations.md says when it comes and goes.

import config from "../hearback.config.ts";
import { createConsumer } from "./library.ts";

export { ReplyDrain } from "./library.ts";
export default createConsumer(config, { staysAwake: true });
