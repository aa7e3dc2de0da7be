// Every header name Hearback owns, on Kafka records and on HTTP, in one table each.
// It holds names only: what a value means is in request.ts and reply.ts. The names of other frameworks are in dialects.ts.

import { isDialectHeader } from "./dialects.ts";

/** Headers of request, reply and dead-letter records. Read case-insensitively, written as spelled here. */
export const recordHeaders = {
  correlationId: "X-Correlation-ID",
  replyTopic: "X-Reply-Topic",
  replyPartition: "X-Reply-Partition",
  creationTimestamp: "X-Creation-Timestamp",
  deadline: "X-Deadline",
  keepUntil: "X-Keep-Until",
  produceId: "X-Produce-ID",
  replyStatus: "X-Reply-Status",
  replyError: "X-Reply-Error",
  replySequence: "X-Reply-Sequence",
  replyEnd: "X-Reply-End",
  responder: "X-Responder",
  stageReceived: "X-Stage-Received",
  stageReplied: "X-Stage-Replied",
  cancel: "X-Cancel",
  deadLetterReason: "X-Dead-Letter-Reason",
  deadLetterTopic: "X-Dead-Letter-Topic",
  deadLetterPartition: "X-Dead-Letter-Partition",
  deadLetterOffset: "X-Dead-Letter-Offset",
  deadLetterResponder: "X-Dead-Letter-Responder",
  httpMethod: "X-Http-Method",
  httpPath: "X-Http-Path",
  httpQuery: "X-Http-Query",
  principal: "X-Principal",
  clientCorrelationId: "X-Client-Correlation-ID",
  contentType: "Content-Type",
  contentEncoding: "Content-Encoding",
  traceparent: "traceparent",
  tracestate: "tracestate",
} as const;

/** Headers that always travel from the HTTP request to the record, under their own name. */
export const passedThroughHeaders = [
  recordHeaders.contentType,
  recordHeaders.contentEncoding,
  recordHeaders.traceparent,
  recordHeaders.tracestate,
] as const;

/** HTTP headers of our own; the rest are the standard ones. */
export const httpHeaders = {
  correlationId: "X-Correlation-ID",
  clientCorrelationId: "X-Client-Correlation-ID",
  /** Of a request: where the end of its exchange is to be told. */
  callbackUrl: "X-Callback-URL",
  /** Of an answer: how far that has come. */
  callbackStatus: "X-Callback-Status",
} as const;

const ownedNames = new Set(Object.values(recordHeaders).map((name) => name.toLowerCase()));

/**
 * Whether a client or a config may not choose this record header, because the gateway or the kit sets it, or because
 * a framework takes it for the gateway's word.
 */
export function isOwnedRecordHeader(name: string): boolean {
  return ownedNames.has(name.toLowerCase()) || isDialectHeader(name);
}
