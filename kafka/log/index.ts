// A log with consumer groups, whatever is below it: the interfaces, the rules every backend keeps, and consumers
// over any of them. Runs in Node; the Worker speaks Kafka REST through the folder above.

export * from "./assign-partitions.ts";
export * from "./backend.ts";
export * from "./consumers.ts";
export * from "./deadline.ts";
export * from "./group-state.ts";
export * from "./groups.ts";
export * from "./log.ts";
export * from "./next-of.ts";
export * from "./record-rules.ts";
export * from "./take-in-turn.ts";
export * from "./waiters.ts";
