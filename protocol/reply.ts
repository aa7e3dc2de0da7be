// The reply record: what a responder writes and the drain reads. It turns records into replies and
// back; whether a reply still counts is decided by the drain and the waiter.

import { dialectCorrelationHeaders, readDialectIds, readDialectOutcome } from "./dialects.ts";
import { isOwnedRecordHeader, recordHeaders } from "./headers.ts";
import { correlationIdForm, type CorrelationId, type CorrelationIdForm } from "./ids.ts";
import {
  decodeText,
  encodeText,
  isGarbled,
  readHeader,
  textHeader,
  type NewRecord,
  type RecordHeader,
} from "./record.ts";
import { readWholeNumber, type ReplyAddress } from "./request.ts";

/** What the caller gets. A plain object: it crosses Durable Object RPC. */
export interface Reply {
  readonly status: number;
  /** Short error code; with it the body is shown as problem+json unless `contentType` is set. */
  readonly error?: string;
  readonly contentType?: string;
  /** How the body is compressed; nobody on the way looks inside. */
  readonly contentEncoding?: string;
  readonly body: Uint8Array;
}

export interface ReplyEnvelope {
  readonly id: CorrelationId;
  readonly form: CorrelationIdForm;
  /** Epoch ms after which nobody has any use for the reply; absent when the responder did not copy it. */
  readonly keepUntil?: number;
  readonly reply: Reply;
}

/**
 * `foreign-id`: an ID is there, but no ID of ours looks like it. `unreadable` with an ID: the exchange is
 * known, so its caller can be told at once instead of waiting for its deadline.
 */
export type DecodedReply =
  | { readonly status: "readable"; readonly envelope: ReplyEnvelope }
  | { readonly status: "foreign-id" }
  | {
      readonly status: "unreadable";
      readonly reason: string;
      readonly addressee?: { readonly id: CorrelationId; readonly form: CorrelationIdForm };
    };

/** Short codes a responder may send in `X-Reply-Error`. */
export function isErrorCode(text: string): boolean {
  return /^[a-z0-9_.-]{1,64}$/i.test(text);
}

/** A control character would make the HTTP answer impossible to write. */
export function isContentType(text: string): boolean {
  return /^[\x20-\x7e]{1,256}$/.test(text);
}

/** A list of codings (RFC 9110), such as `gzip`. */
export function isContentEncoding(text: string): boolean {
  return text.length <= 64 && /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/.test(text);
}

/** What the meaning of a reply hangs on; an `X-Keep-Until` is help, and no more. */
const meaningful = [
  recordHeaders.replyStatus,
  recordHeaders.replyError,
  recordHeaders.contentType,
  recordHeaders.contentEncoding,
  recordHeaders.replySequence,
  recordHeaders.replyEnd,
];

/**
 * Reads the native headers and those of every dialect, whoever answers: an ID verifies itself. What the native
 * headers say of ID and outcome comes first, then the dialects in the order of their table, then the key.
 */
export function decodeReply(record: Omit<NewRecord, "topic">): DecodedReply {
  const idText = correlationIdOf(record);
  if (idText === undefined || idText === "") return { status: "unreadable", reason: "no correlation ID" };
  const addressee = correlationIdForm(idText);
  if (addressee === undefined) return { status: "foreign-id" };
  // An error or a status that nobody can read is no success.
  const garbled = meaningful.find((name) => isGarbled(record.headers, name));
  if (garbled !== undefined) return { status: "unreadable", reason: `${garbled} is not UTF-8`, addressee };
  const keepUntil = readWholeNumber(readHeader(record.headers, recordHeaders.keepUntil));
  const readable = (reply: Reply): DecodedReply => ({
    status: "readable",
    envelope: { ...addressee, ...(keepUntil === undefined ? {} : { keepUntil }), reply },
  });

  const error = readHeader(record.headers, recordHeaders.replyError);
  let statusText = readHeader(record.headers, recordHeaders.replyStatus);
  if (statusText === undefined && error === undefined) {
    const said = readDialectOutcome(record.headers, addressee.id);
    if (said !== undefined && "failure" in said) {
      return readable({ status: 502, error: "responder_failed", body: said.failure });
    }
    statusText = said?.status;
  }
  const status = statusText === undefined ? (error === undefined ? 200 : 502) : readWholeNumber(statusText);
  // 1xx is not an answer, and the platform's Response takes 200 to 599.
  if (status === undefined || status < 200 || status > 599) {
    return { status: "unreadable", reason: "reply status is not a number from 200 to 599", addressee };
  }
  if (error !== undefined && status < 400) {
    return {
      status: "unreadable",
      reason: "a reply with an error cannot have a status below 400",
      addressee,
    };
  }
  if (error !== undefined && !isErrorCode(error)) {
    return { status: "unreadable", reason: "reply error is not a short code", addressee };
  }
  const contentType = readHeader(record.headers, recordHeaders.contentType);
  if (contentType !== undefined && !isContentType(contentType)) {
    return { status: "unreadable", reason: "content type is not printable ASCII", addressee };
  }
  const contentEncoding = readHeader(record.headers, recordHeaders.contentEncoding);
  if (contentEncoding !== undefined && !isContentEncoding(contentEncoding)) {
    return { status: "unreadable", reason: "content encoding is not a list of codings", addressee };
  }
  // One part of several, given out as the whole, would be a wrong answer.
  const sequence = readHeader(record.headers, recordHeaders.replySequence);
  if (sequence !== undefined && !(sequence === "0" && isEnd(record.headers))) {
    return { status: "unreadable", reason: "the reply comes in parts", addressee };
  }
  return readable({
    status,
    ...(error === undefined ? {} : { error }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    body: record.value ?? new Uint8Array(),
  });
}

/**
 * The ID that a record names, as text, whether or not it is one of ours. A dialect's header counts before the native one
 * and the key if it alone has one of ours: all these names mean more than an exchange of ours to who writes them.
 */
export function correlationIdOf({ headers, key }: Pick<NewRecord, "headers" | "key">): string | undefined {
  const native = readHeader(headers, recordHeaders.correlationId);
  if (native !== undefined && canBeOurs(native)) return native;
  const spoken = readDialectIds(headers);
  const keyText = key === null ? undefined : decodeText(key);
  return spoken.find(canBeOurs) ?? native ?? (keyText || spoken[0]);
}

function canBeOurs(text: string): boolean {
  return correlationIdForm(text) !== undefined;
}

/** What a responder says. */
export interface ReplyToSend extends Reply {
  /** Numbers the parts of one reply from 0. */
  readonly sequence: number;
  /** Of a reply in parts: whether this is the last one. Absent: the reply is whole. */
  readonly isLast?: boolean;
  readonly responder?: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** Epoch ms. */
  readonly repliedAt: number;
}

/** The record that answers a request: keyed by the correlation ID, to the address the request named. */
export function encodeReply(
  address: ReplyAddress,
  requestHeaders: readonly RecordHeader[],
  reply: ReplyToSend,
): NewRecord {
  // A later attempt of the same exchange is answered by another record, which is no repeat.
  const attempt = readHeader(requestHeaders, recordHeaders.produceId) ?? address.correlationId;
  const copied = requestHeaders.filter(({ key }) => travelsBack(key));
  const headers = [
    ...copied,
    textHeader(recordHeaders.produceId, `${attempt}:${reply.sequence}`),
    textHeader(recordHeaders.replyStatus, String(reply.status)),
    textHeader(recordHeaders.stageReceived, String(reply.receivedAt)),
    textHeader(recordHeaders.stageReplied, String(reply.repliedAt)),
  ];
  if (reply.error !== undefined) headers.push(textHeader(recordHeaders.replyError, reply.error));
  if (reply.contentType !== undefined) headers.push(textHeader(recordHeaders.contentType, reply.contentType));
  if (reply.contentEncoding !== undefined) {
    headers.push(textHeader(recordHeaders.contentEncoding, reply.contentEncoding));
  }
  if (reply.isLast !== undefined) {
    headers.push(textHeader(recordHeaders.replySequence, String(reply.sequence)));
    if (reply.isLast) headers.push(textHeader(recordHeaders.replyEnd, "true"));
  }
  if (reply.responder !== undefined) headers.push(textHeader(recordHeaders.responder, reply.responder));
  return {
    topic: address.replyTopic,
    ...(address.replyPartition === undefined ? {} : { partition: address.replyPartition }),
    key: encodeText(address.correlationId),
    value: reply.body,
    headers,
  };
}

function isEnd(headers: readonly RecordHeader[]): boolean {
  return readHeader(headers, recordHeaders.replyEnd) === "true";
}

const carriedBack = new Set(
  [
    recordHeaders.correlationId,
    recordHeaders.creationTimestamp,
    recordHeaders.deadline,
    recordHeaders.keepUntil,
    recordHeaders.clientCorrelationId,
    recordHeaders.traceparent,
    recordHeaders.tracestate,
    // Who asks in a framework's own words waits for its own ID.
    ...dialectCorrelationHeaders,
  ].map((name) => name.toLowerCase()),
);

/** Families of our own names, also those that come later. */
const staysBehind = /^x-(reply|http|stage|dead-letter)-/i;

/**
 * Unknown headers travel back too: they may belong to a middleware that we know nothing of. What a framework reads
 * does not, but for its ID: sent back it would speak of the reply.
 */
function travelsBack(key: string): boolean {
  return carriedBack.has(key.toLowerCase()) || !(isOwnedRecordHeader(key) || staysBehind.test(key));
}
