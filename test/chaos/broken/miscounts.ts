// A drain whose ledger balances, and leaves out every tenth reply.

import { createGateway } from "../../../worker/gateway.ts";
import { ReplyDrain as ShippedDrain } from "../../../worker/library.ts";
import config from "../gateway/config.ts";

export { Waiter } from "../../../worker/library.ts";
export default createGateway(config);

export class ReplyDrain extends ShippedDrain {
  override async ledger() {
    const said = await super.ledger();
    const partitions = said.partitions.map(({ read, verdicts, ...partition }) => {
      const left = Math.floor(verdicts.accepted / 10);
      return {
        ...partition,
        read: read - left,
        verdicts: { ...verdicts, accepted: verdicts.accepted - left },
      };
    });
    return { ...said, partitions };
  }
}
