// The kit for services that answer: `createResponder` and its types.

export { RequestEnded, type ResponderContext } from "./exchange.ts";
export { readKafkaConnection } from "../kafka/native/index.ts";
export type { BridgeConnection, KafkaConnection } from "./kafka.ts";
export { UnreadableBody, type HandlerReply, type RequestMessage } from "./message.ts";
export type { Handler, RecordPlace, ResponderEvent, ResponderOptions } from "./options.ts";
export { createResponder, type Responder } from "./responder.ts";
export type { ResponderCounts } from "./tally.ts";
