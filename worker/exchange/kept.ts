// Whether a client's key leads to an exchange that is there: a look at its waiter, nothing more.

import type { WaiterRpc } from "../../durable/index.ts";
import { withDeadline } from "../../kafka/index.ts";

const lookTimeoutMs = 2_000;

/** It waits, is answered, or was taken back. False also where its waiter is out of reach. Never rejects. */
export async function isKept(waiter: () => Pick<WaiterRpc, "attach">, principal: string): Promise<boolean> {
  const looked = await withDeadline(
    Promise.resolve().then(() => waiter().attach(principal, 0)),
    lookTimeoutMs,
  );
  return looked.status === "done" && ["waiting", "replied", "cancelled"].includes(looked.value.status);
}
