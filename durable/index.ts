// What the other folders may use of the waiter: the class for re-export, its RPC types and the words of parking for calls.

export { leaseMs, type Produced, type Terms } from "./exchange.ts";
export { decodeParkedOutcome, encodeParked, parkHeader, type Parked, type ParkedOutcome } from "./parking.ts";
export { maxHoldMs, Waiter, type WaiterPhase, type WaiterRpc } from "./waiter.ts";
export type { Delivery, NamedOutcome, WaitSpec } from "./waiter-state.ts";
