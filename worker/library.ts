// What a user's own project imports from "hearback": the config, the gateway, the two objects it exports.

export { ReplyDrain } from "../consumer/library.ts";
export { Waiter } from "../durable/index.ts";
export {
  ConfigError,
  defineGateway,
  type AuthenticationOptions,
  type BreakerOptions,
  type CallbackOptions,
  type CloudflareAccessOptions,
  type ConfigProblem,
  type CorsOptions,
  type FallbackOptions,
  type GatewayConfig,
  type GatewayOptions,
  type JwtAlgorithm,
  type JwtOptions,
  type LimitOptions,
  type RateLimitOptions,
  type RecordKeySource,
  type ServiceOptions,
  type ValidationOptions,
} from "./config.ts";
export type { OwnedPartitions } from "../protocol/index.ts";
export type { ReplyRouting } from "./exchange/routing.ts";
export { createGateway, type Gateway } from "./gateway.ts";
