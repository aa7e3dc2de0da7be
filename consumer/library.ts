// What other folders and packages may use of the consumer: the drain, and how to reach it.

export { assignmentOf, type DrainAssignment } from "./assignment.ts";
export type { DrainHealth } from "./health.ts";
export { attribute, sumOfServices } from "./ledger.ts";
export type { PartitionLedger } from "./partitions.ts";
export type { DeadLetterPage } from "./dead-letter-desk.ts";
export type { ShownDeadLetter } from "./dead-letter-view.ts";
export type { NoRecord, Redriven, RedriveSummary } from "./redrive.ts";
export {
  ReplyDrain,
  type DrainEnv,
  type DrainLedger,
  type DrainStatus,
  type ReplyDrainRpc,
} from "./reply-drain.ts";
export { createConsumer, drainOf, placementOf, type DrainPlacement } from "./watchdog.ts";
