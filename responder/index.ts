// The kit for services that answer: `createResponder` and its types.

export type { Handler, HandlerReply, RequestMessage } from "./message.ts";
export { createResponder, type Responder, type ResponderCounts, type ResponderOptions } from "./responder.ts";
