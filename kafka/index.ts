// What the other folders may use of Kafka: the port and its adapter.

export { withDeadline, type Settled } from "./deadline.ts";
export { checkPosition, startPosition, type Position } from "./position.ts";
export { callRest, failureOf, maxAnswerBytes } from "./rest-call.ts";
export type { KafkaPort, KafkaRead, LogPosition, OffsetQuery, TopicPartition } from "./port.ts";
export { createUpstashKafka, type KafkaRestCredentials } from "./upstash-kafka.ts";
