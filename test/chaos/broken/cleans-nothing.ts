// A waiter that does nothing when its alarm rings.

import { createGateway } from "../../../worker/gateway.ts";
import { Waiter as ShippedWaiter } from "../../../worker/library.ts";
import config from "../gateway/config.ts";

export { ReplyDrain } from "../../../worker/library.ts";
export default createGateway(config);

export class Waiter extends ShippedWaiter {
  override alarm(): Promise<void> {
    return Promise.resolve();
  }
}
