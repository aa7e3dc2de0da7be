// A waiter that keeps the latest reply as its answer instead of the first.

import { createGateway } from "../../../worker/gateway.ts";
import { Waiter as ShippedWaiter } from "../../../worker/library.ts";
import config from "../gateway/config.ts";
import { exchangeKey, type StoredRow } from "./parts/stored-row.ts";

export { ReplyDrain } from "../../../worker/library.ts";
export default createGateway(config);

export class Waiter extends ShippedWaiter {
  override async deliver(...args: Parameters<ShippedWaiter["deliver"]>) {
    const said = await super.deliver(...args);
    const latest = args[0].at(-1);
    const row = this.ctx.storage.kv.get<StoredRow>(exchangeKey);
    if (latest !== undefined && row?.exchange.end?.status === "replied") {
      this.ctx.storage.kv.put(exchangeKey, { ...row, reply: { ...latest.reply, parts: 0 } });
    }
    return said;
  }
}
