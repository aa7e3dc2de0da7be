// What a user's own project imports from "hearback": the config, the gateway, the two objects it exports.

export { ReplyDrain } from "../consumer/library.ts";
export { Waiter } from "../durable/index.ts";
export {
  ConfigError,
  defineGateway,
  type BreakerOptions,
  type ConfigProblem,
  type FallbackOptions,
  type GatewayConfig,
  type GatewayOptions,
  type RecordKeySource,
  type ServiceOptions,
} from "./config.ts";
export type { OwnedPartitions } from "../protocol/index.ts";
export type { ReplyRouting } from "./exchange/routing.ts";
export { createGateway, type Gateway } from "./gateway.ts";
