// A real Kafka broker for whoever develops and tests: `npm run kafka`, `npm run dev -- --kafka`, the test suites.

export { startBroker, type Broker, type BrokerOptions } from "./broker.ts";
export { kafkaMissing } from "./java.ts";
