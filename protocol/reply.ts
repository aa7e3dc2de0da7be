// The reply record: what a responder writes and the drain reads. It turns records into replies and
// back; whether a reply still counts is decided by the drain and the waiter.

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

/** What the meaning of a reply hangs on; an `X-Keep-Until` is help, and no more. */
const meaningful = [
  recordHeaders.replyStatus,
  recordHeaders.replyError,
  recordHeaders.contentType,
  recordHeaders.replySequence,
  recordHeaders.replyEnd,
];

export function decodeReply(record: Omit<NewRecord, "topic">): DecodedReply {
  const idText =
    readHeader(record.headers, recordHeaders.correlationId) ??
    (record.key === null ? undefined : decodeText(record.key));
  if (idText === undefined || idText === "") return { status: "unreadable", reason: "no correlation ID" };
  const addressee = correlationIdForm(idText);
  if (addressee === undefined) return { status: "foreign-id" };
  // An error or a status that nobody can read is no success.
  const garbled = meaningful.find((name) => isGarbled(record.headers, name));
  if (garbled !== undefined) return { status: "unreadable", reason: `${garbled} is not UTF-8`, addressee };

  const statusText = readHeader(record.headers, recordHeaders.replyStatus);
  const error = readHeader(record.headers, recordHeaders.replyError);
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
  // One part of several, given out as the whole, would be a wrong answer.
  const sequence = readHeader(record.headers, recordHeaders.replySequence);
  if (sequence !== undefined && !(sequence === "0" && isEnd(record.headers))) {
    return { status: "unreadable", reason: "the reply comes in parts", addressee };
  }
  const keepUntil = readWholeNumber(readHeader(record.headers, recordHeaders.keepUntil));
  return {
    status: "readable",
    envelope: {
      ...addressee,
      ...(keepUntil === undefined ? {} : { keepUntil }),
      reply: {
        status,
        ...(error === undefined ? {} : { error }),
        ...(contentType === undefined ? {} : { contentType }),
        body: record.value ?? new Uint8Array(),
      },
    },
  };
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
  ].map((name) => name.toLowerCase()),
);

/** Families of our own names, also those that come later. */
const staysBehind = /^x-(reply|http|stage|dead-letter)-/i;

/** Unknown headers travel back too: they may belong to a middleware that we know nothing of. */
function travelsBack(key: string): boolean {
  return carriedBack.has(key.toLowerCase()) || !(isOwnedRecordHeader(key) || staysBehind.test(key));
}
