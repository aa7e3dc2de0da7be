// What the other folders may use of the waiter: the class for re-export, its RPC types for calls.

export { maxHoldMs, Waiter, type WaiterRpc } from "./waiter.ts";
export type { Delivery, NamedOutcome, WaiterState, WaitSpec } from "./waiter-state.ts";
