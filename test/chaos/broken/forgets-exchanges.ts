// A waiter that begins with nothing each time that it is built: after hibernation, after eviction, after a kill.

import { createGateway } from "../../../worker/gateway.ts";
import { Waiter as ShippedWaiter } from "../../../worker/library.ts";
import config from "../gateway/config.ts";
import { exchangeKey } from "./parts/stored-row.ts";

export { ReplyDrain } from "../../../worker/library.ts";
export default createGateway(config);

export class Waiter extends ShippedWaiter {
  constructor(ctx: DurableObjectState, env: object) {
    // A waiter that has nothing to forget must not be slow for it: each would write to a file of its own.
    if (ctx.storage.kv.get(exchangeKey) !== undefined) ctx.storage.kv.delete(exchangeKey);
    super(ctx, env);
  }
}
