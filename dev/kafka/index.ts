// What the rest of `dev/` and the tests use of the development broker.

export { startKafka, type KafkaBroker, type KafkaOptions } from "./broker.ts";
export { KafkaStartError } from "./failure.ts";
export { kafkaFolder } from "./jars.ts";
export { javaCommand, kafkaMissing } from "./java.ts";
export type { KafkaListener, Properties } from "./properties.ts";
