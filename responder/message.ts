// What a handler gets and gives: a request as something to work with, and the answer in the easiest form.
// No Kafka here.

import {
  decodeText,
  encodeText,
  isContentEncoding,
  isContentType,
  isErrorCode,
  readHeader,
  recordHeaders,
  type KafkaRecord,
  type Reply,
  type ReplyAddress,
} from "../protocol/index.ts";

/** One request as the handler sees it. `Input` is what the schema of the responder makes of the body. */
export interface RequestMessage<Input = unknown> {
  readonly correlationId: string;
  /** Epoch ms after which nobody waits; undefined when the request never expires. */
  readonly deadlineAt: number | undefined;
  /** The record's key as text; undefined when there is none or it is not UTF-8. */
  readonly key: string | undefined;
  /** What was asked, for responders that serve several routes. */
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  /** The body as the responder's `input` schema read it; undefined without one. */
  readonly input: Input;
  /** The last record header of that name, in any case; undefined when absent. */
  header(name: string): string | undefined;
  /** The body as UTF-8 text. Throws an `UnreadableBody`, which becomes a 400. */
  text(): string;
  /** The body as JSON. Throws an `UnreadableBody`, which becomes a 400. */
  json<T = unknown>(): T;
}

/** What a handler returns. `json` and `body` exclude each other; neither means an empty body. */
export interface HandlerReply {
  /** @default 200, or 502 with `error` */
  readonly status?: number;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  /** @default "application/json" with `json`, else none */
  readonly contentType?: string;
  /** How `body` is compressed, such as `"gzip"`; with it the body reaches the caller as it is. */
  readonly contentEncoding?: string;
  /** Short code: the caller gets a problem+json with it, and a text body as its detail. */
  readonly error?: string;
}

/** The request's body is not what the handler asked for: the caller's mistake, answered with 400. */
export class UnreadableBody extends Error {
  override readonly name = "UnreadableBody";
}

export function toMessage(record: KafkaRecord, address: ReplyAddress): RequestMessage<undefined> {
  const body = record.value ?? new Uint8Array();
  const header = (name: string): string | undefined => readHeader(record.headers, name);
  const text = (): string => {
    const decoded = decodeText(body);
    if (decoded === undefined) throw new UnreadableBody("the request body is not UTF-8");
    return decoded;
  };
  return {
    correlationId: address.correlationId,
    deadlineAt: address.deadlineAt,
    key: record.key === null ? undefined : decodeText(record.key),
    method: header(recordHeaders.httpMethod),
    path: header(recordHeaders.httpPath),
    get query() {
      return new URLSearchParams(header(recordHeaders.httpQuery));
    },
    body,
    input: undefined,
    header,
    text,
    json<T>() {
      const read = text();
      try {
        return JSON.parse(read) as T;
      } catch (cause) {
        throw new UnreadableBody("the request body is not JSON", { cause });
      }
    },
  };
}

/** Throws a TypeError for a reply that HTTP could not carry, or that is none: the handler's mistake. */
export function toReply(said: HandlerReply): Reply {
  if (typeof said !== "object" || said === null) throw new TypeError("a handler answers with an object");
  const { status, json, body, contentType, contentEncoding, error } = said;
  const settled = status ?? (error === undefined ? 200 : 502);
  if (!Number.isInteger(settled) || settled < 200 || settled > 599) {
    throw new TypeError(`a handler answered with status ${settled}, which is none from 200 to 599`);
  }
  if (error !== undefined && (settled < 400 || !isErrorCode(error))) {
    throw new TypeError(`a handler answered with error "${error}" and status ${settled}`);
  }
  const type = contentType ?? (json === undefined ? undefined : "application/json");
  if (type !== undefined && !isContentType(type)) {
    throw new TypeError("a handler answered with a content type that is not printable ASCII");
  }
  if (contentEncoding !== undefined && !isContentEncoding(contentEncoding)) {
    throw new TypeError("a handler answered with a content encoding that is no list of codings");
  }
  return {
    status: settled,
    ...(error === undefined ? {} : { error }),
    ...(type === undefined ? {} : { contentType: type }),
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    body: json === undefined ? bytesOf(body) : encodeText(jsonOf(json)),
  };
}

function bytesOf(body: string | Uint8Array = ""): Uint8Array {
  if (typeof body === "string") return encodeText(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError("a handler answered with a body that is neither text nor bytes");
}

function jsonOf(value: unknown): string {
  // The types do not say so, but there is no JSON of a function or a symbol.
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError("a handler answered with something that JSON has no form for");
  return text;
}

/** Replies of the kit's own. None says why in words of the handler's: those are for the log. */
export const ownReplies = {
  handlerFailed: { status: 502, error: "responder_failed", body: new Uint8Array() },
  /** Stands in for a reply that Kafka will not take. */
  replyRefused: { status: 502, error: "reply_refused", body: new Uint8Array() },
} as const satisfies Record<string, Reply>;

export function unreadableReply({ message }: UnreadableBody): Reply {
  return { status: 400, error: "body_unreadable", body: encodeText(message) };
}
