// The request record, and the one that takes it back: what the gateway writes and a responder reads. Encoding and decoding only;
// who may set what is decided by the gateway, what a responder does with it by the kit.

import { dialectHeaders, type HeaderDialect } from "./dialects.ts";
import { recordHeaders } from "./headers.ts";
import { encodeText, readHeader, textHeader, type NewRecord, type RecordHeader } from "./record.ts";

/**
 * How far the clocks of gateway and responder may differ, in ms, unless somebody knows better. To skip what somebody still
 * waits for takes the service down; to do what nobody waits for any more costs a few seconds' work after an outage.
 */
export const clockSkewAllowanceMs = 5_000;

/** Everything a request record says. Instants are epoch ms. */
export interface RequestEnvelope {
  readonly correlationId: string;
  readonly replyTopic: string;
  /** Absent: the reply finds its partition by its key, or may come on any. */
  readonly replyPartition?: number;
  readonly createdAt: number;
  readonly deadlineAt: number;
  readonly keepUntil: number;
  readonly attempt: number;
  readonly method: string;
  readonly path: string;
  /** With its leading question mark, or empty. */
  readonly query: string;
  /** Of the route, decoded. */
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly clientCorrelationId?: string;
  /** Who asks: claims in JSON, for a service that wants to know. */
  readonly principal?: string;
  /** Content type, trace context and the headers the service forwards, as the client sent them. */
  readonly forwarded: readonly (readonly [name: string, value: string])[];
  /** The framework that answers, if it reads other names than ours; it gets both. */
  readonly dialect?: HeaderDialect;
}

/** The record for one attempt. The same arguments give the same record, so that a repeat can be absorbed. */
export function encodeRequest(
  topic: string,
  key: string,
  body: Uint8Array,
  envelope: RequestEnvelope,
): NewRecord {
  const headers: RecordHeader[] = [
    textHeader(recordHeaders.correlationId, envelope.correlationId),
    textHeader(recordHeaders.replyTopic, envelope.replyTopic),
    textHeader(recordHeaders.creationTimestamp, String(envelope.createdAt)),
    textHeader(recordHeaders.deadline, String(envelope.deadlineAt)),
    textHeader(recordHeaders.keepUntil, String(envelope.keepUntil)),
    textHeader(recordHeaders.produceId, `${envelope.correlationId}:${envelope.attempt}`),
    textHeader(recordHeaders.httpMethod, envelope.method),
    textHeader(recordHeaders.httpPath, envelope.path),
  ];
  if (envelope.replyPartition !== undefined) {
    headers.push(textHeader(recordHeaders.replyPartition, String(envelope.replyPartition)));
  }
  if (envelope.query !== "") headers.push(textHeader(recordHeaders.httpQuery, envelope.query));
  if (envelope.clientCorrelationId !== undefined) {
    headers.push(textHeader(recordHeaders.clientCorrelationId, envelope.clientCorrelationId));
  }
  if (envelope.principal !== undefined) {
    headers.push(textHeader(recordHeaders.principal, envelope.principal));
  }
  const { dialect } = envelope;
  // Frameworks compare names as they are, and all of them write these in lower case.
  for (const [name, value] of envelope.forwarded) {
    headers.push(textHeader(dialect === undefined ? name : name.toLowerCase(), value));
  }
  if (dialect !== undefined) headers.push(...dialectHeaders(dialect, envelope));
  return { topic, key: encodeText(key), value: body, headers };
}

/** What a cancel record says of the request it takes back. Instants are epoch ms. */
export interface CancelEnvelope {
  readonly correlationId: string;
  /** The attempt that is taken back. */
  readonly attempt: number;
  /** Of the request: after it there is nothing left to take back. */
  readonly deadlineAt: number;
  readonly cancelledAt: number;
}

/**
 * The record that takes a request back; `topic` and `key` are the request's, so that it comes behind it. It names no
 * reply topic: a responder that knows nothing of cancelling then has nowhere to answer, and skips it.
 */
export function encodeCancel(
  topic: string,
  key: string,
  { correlationId, attempt, deadlineAt, cancelledAt }: CancelEnvelope,
): NewRecord {
  const headers = [
    textHeader(recordHeaders.correlationId, correlationId),
    textHeader(recordHeaders.cancel, "true"),
    textHeader(recordHeaders.produceId, `${correlationId}:${attempt}:cancel`),
    textHeader(recordHeaders.deadline, String(deadlineAt)),
    textHeader(recordHeaders.creationTimestamp, String(cancelledAt)),
  ];
  return { topic, key: encodeText(key), value: null, headers };
}

/** Where a request wants its answer, and until when: all that the protocol asks of a responder. */
export interface ReplyAddress {
  readonly correlationId: string;
  readonly replyTopic: string;
  /** Absent: choose the partition by the reply's key, the correlation ID. */
  readonly replyPartition?: number;
  readonly createdAt?: number;
  /** Absent: the request never expires. */
  readonly deadlineAt?: number;
  /** After it a reply is of no use. Absent: at the deadline. */
  readonly keepUntil?: number;
}

/** What of an address cannot be read; each is a reason of a dead letter. */
export type UnreadableAddress =
  "correlation_id_missing" | "correlation_id_too_long" | "reply_topic_missing" | "reply_partition_unreadable";

/** Callers of their own may use any ID; one this long is no ID. */
const maxCorrelationIdLength = 256;

/** The first thing that is missing or makes no sense is the answer when the address cannot be read. */
export function decodeReplyAddress(headers: readonly RecordHeader[]): ReplyAddress | UnreadableAddress {
  const correlationId = readHeader(headers, recordHeaders.correlationId);
  const replyTopic = readHeader(headers, recordHeaders.replyTopic);
  if (!correlationId) return "correlation_id_missing";
  if (correlationId.length > maxCorrelationIdLength) return "correlation_id_too_long";
  if (!replyTopic) return "reply_topic_missing";
  const hasPartition = headers.some(({ key }) => isNamed(key, recordHeaders.replyPartition));
  const replyPartition = readWholeNumber(readHeader(headers, recordHeaders.replyPartition));
  if (hasPartition && replyPartition === undefined) return "reply_partition_unreadable";
  const createdAt = readWholeNumber(readHeader(headers, recordHeaders.creationTimestamp));
  const deadlineAt = readWholeNumber(readHeader(headers, recordHeaders.deadline));
  const keepUntil = readWholeNumber(readHeader(headers, recordHeaders.keepUntil));
  return {
    correlationId,
    replyTopic,
    ...(replyPartition === undefined ? {} : { replyPartition }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    ...(keepUntil === undefined ? {} : { keepUntil }),
  };
}

/** Whether nobody can still be waiting, even if the two clocks differ by the allowance (ms). */
export function isExpired(
  { deadlineAt }: ReplyAddress,
  now: number,
  clockSkewMs: number = clockSkewAllowanceMs,
): boolean {
  return deadlineAt !== undefined && now > deadlineAt + clockSkewMs;
}

/** Whether the record takes a request back instead of making one. */
export function isCancel(headers: readonly RecordHeader[]): boolean {
  return readHeader(headers, recordHeaders.cancel) === "true";
}

function isNamed(key: string, name: string): boolean {
  return key.toLowerCase() === name.toLowerCase();
}

/** A decimal whole number of at most 15 digits (so that it is exact), or undefined. */
export function readWholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
