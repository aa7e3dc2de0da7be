// What a handler gets and gives: a request as something to work with, and the answer in the easiest form.
// No Kafka here.

import {
  decodeText,
  encodeText,
  readHeader,
  recordHeaders,
  type KafkaRecord,
  type Reply,
  type ReplyAddress,
} from "../protocol/index.ts";

/** One request as the handler sees it. */
export interface RequestMessage {
  readonly correlationId: string;
  /** Epoch ms after which nobody waits; undefined when the request never expires. */
  readonly deadlineAt: number | undefined;
  /** What was asked, for responders that serve several routes. */
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly body: Uint8Array;
  /** The last record header of that name, in any case; undefined when absent. */
  header(name: string): string | undefined;
  /** The body as UTF-8 text. Throws when it is not. */
  text(): string;
  /** The body as JSON. Throws when it is not. */
  json(): unknown;
}

/** What a handler returns. `json` and `body` exclude each other; neither means an empty body. */
export interface HandlerReply {
  /** @default 200 */
  readonly status?: number;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  /** @default "application/json" with `json`, else none */
  readonly contentType?: string;
}

export type Handler = (request: RequestMessage) => HandlerReply | Promise<HandlerReply>;

export function toMessage(record: KafkaRecord, { correlationId, deadlineAt }: ReplyAddress): RequestMessage {
  const body = record.value ?? new Uint8Array();
  const header = (name: string): string | undefined => readHeader(record.headers, name);
  const text = (): string => {
    const decoded = decodeText(body);
    if (decoded === undefined) throw new TypeError("the request body is not UTF-8");
    return decoded;
  };
  return {
    correlationId,
    deadlineAt,
    method: header(recordHeaders.httpMethod),
    path: header(recordHeaders.httpPath),
    body,
    header,
    text,
    json: () => JSON.parse(text()) as unknown,
  };
}

export function toReply({ status = 200, json, body, contentType }: HandlerReply): Reply {
  if (json !== undefined) {
    return {
      status,
      contentType: contentType ?? "application/json",
      body: encodeText(JSON.stringify(json)),
    };
  }
  return {
    status,
    ...(contentType === undefined ? {} : { contentType }),
    body: typeof body === "string" ? encodeText(body) : (body ?? new Uint8Array()),
  };
}

/** The answer to a request whose handler threw: says that it failed, and nothing of why. */
export const failedReply: Reply = { status: 502, error: "responder_failed", body: new Uint8Array() };

/** Stands in for a reply that Kafka will not take. */
export const refusedReply: Reply = { status: 502, error: "reply_refused", body: new Uint8Array() };
