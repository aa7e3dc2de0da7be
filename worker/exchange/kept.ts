// Whether a client's key leads to an exchange that is there: a look at its waiter, nothing more.

import type { WaiterRpc } from "../../durable/index.ts";
import { withDeadline, type Settled } from "../../kafka/index.ts";
import type { AttachOutcome } from "../../protocol/index.ts";

type Looking = () => Pick<WaiterRpc, "attach">;

const lookTimeoutMs = 2_000;

/** It waits, is answered, or was taken back. False also where its waiter is out of reach. Never rejects. */
export async function isKept(waiter: Looking, principal: string): Promise<boolean> {
  const looked = await look(waiter, principal);
  return looked.status === "done" && ["waiting", "replied", "cancelled"].includes(looked.value.status);
}

/**
 * Which of several waiters has the exchange, whatever has become of it; `none`: no one of them. `unavailable`: one
 * of them is out of reach, and no other one has it. Never rejects.
 */
export async function whichIsKept<One>(
  ones: readonly One[],
  waiterOf: (one: One) => Looking,
  principal: string,
): Promise<One | "none" | "unavailable"> {
  const looks = await Promise.all(ones.map((one) => look(waiterOf(one), principal)));
  const at = looks.findIndex((looked) => looked.status === "done" && looked.value.status !== "gone");
  const found = ones[at];
  if (found !== undefined) return found;
  return looks.every(({ status }) => status === "done") ? "none" : "unavailable";
}

function look(waiter: Looking, principal: string): Promise<Settled<AttachOutcome>> {
  return withDeadline(
    Promise.resolve().then(() => waiter().attach(principal, 0)),
    lookTimeoutMs,
  );
}
