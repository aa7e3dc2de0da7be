// The body of a callback, as docs/protocol.md describes it. One end of an exchange always has the same body.

import { decodeText, encodeText, locationOf, toBase64, type Reply } from "../protocol/index.ts";
import type { Callback } from "./callback.ts";
import type { Exchange } from "./exchange.ts";

/** What may be told of a reply; `body` is absent where it is too large to travel. */
export type ToldReply = Omit<Reply, "body"> & { readonly body?: Uint8Array };

/** `reply` only of an exchange that was replied to, and only where it may travel. */
export function callbackMessage(
  { outcome, at }: Callback,
  { service, createdAt, deadlineAt, end, callback }: Exchange,
  reply: ToldReply | undefined,
): Uint8Array {
  const correlationId = callback?.correlationId ?? "";
  return encodeText(
    JSON.stringify({
      type: `exchange.${outcome}`,
      timestamp: new Date(at).toISOString(),
      data: {
        correlationId,
        service,
        outcome,
        ...(end?.status === "replied" ? { late: end.late } : {}),
        createdAt,
        deadlineAt,
        location: locationOf(correlationId),
        ...(reply === undefined ? {} : { reply: toldReply(reply) }),
      },
    }),
  );
}

function toldReply({ status, error, contentType, contentEncoding, body }: ToldReply) {
  return {
    status,
    error,
    contentType,
    contentEncoding,
    body: body === undefined ? undefined : toldBody(body),
  };
}

function toldBody(body: Uint8Array): { readonly text: string } | { readonly base64: string } {
  const text = decodeText(body);
  return text === undefined ? { base64: toBase64(body) } : { text };
}
