// A waiter that answers whoever asks as it answers its owner.

import { createGateway } from "../../../worker/gateway.ts";
import { Waiter as ShippedWaiter } from "../../../worker/library.ts";
import config from "../gateway/config.ts";
import { exchangeKey, type StoredRow } from "./parts/stored-row.ts";

export { ReplyDrain } from "../../../worker/library.ts";
export default createGateway(config);

export class Waiter extends ShippedWaiter {
  override attach(principal: string, holdMs: number) {
    const owner = this.ctx.storage.kv.get<StoredRow>(exchangeKey)?.exchange.principal;
    return super.attach(owner ?? principal, holdMs);
  }
}
