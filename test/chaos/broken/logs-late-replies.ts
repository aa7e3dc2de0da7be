// A drain that takes a late reply for an error and says so.

import { createGateway } from "../../../worker/gateway.ts";
import { ReplyDrain as ShippedDrain } from "../../../worker/library.ts";
import config from "../gateway/config.ts";

export { Waiter } from "../../../worker/library.ts";
export default createGateway(config);

export class ReplyDrain extends ShippedDrain {
  #said = 0;

  override async nudge(...args: Parameters<ShippedDrain["nudge"]>): Promise<number> {
    const { partitions } = await this.ledger();
    const late = partitions.reduce((sum, { verdicts }) => sum + verdicts.late, 0);
    for (; this.#said < late; this.#said++) console.error("hearback: a reply came too late");
    return super.nudge(...args);
  }
}
