// A drain that takes some replies for delivered: one waiter of sixteen never hears of its own.

import type { DrainEnv } from "../../../consumer/reply-drain.ts";
import type { Waiter } from "../../../durable/index.ts";
import { createGateway } from "../../../worker/gateway.ts";
import { ReplyDrain as ShippedDrain } from "../../../worker/library.ts";
import config from "../gateway/config.ts";

export { Waiter } from "../../../worker/library.ts";
export default createGateway(config);

export class ReplyDrain extends ShippedDrain {
  constructor(ctx: DurableObjectState, env: DrainEnv) {
    super(ctx, { ...env, WAITER: deafToSome(env.WAITER) });
  }
}

type Waiters = DurableObjectNamespace<Waiter>;

function deafToSome(waiters: Waiters): Waiters {
  const deaf: Pick<Waiter, "deliver"> = {
    deliver: (deliveries) => Promise.resolve(deliveries.map(() => "accepted" as const)),
  };
  const some = {
    idFromString: (hex: string) => waiters.idFromString(hex),
    get: (id: DurableObjectId) => (id.toString().endsWith("0") ? deaf : waiters.get(id)),
  };
  return some as unknown as Waiters;
}
