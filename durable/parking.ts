// How a parked caller and its waiter talk: what the caller asks for when it opens the socket, what the object
// remembers with the socket while it hibernates, and the one message that ends the wait. Words only; who is parked and
// when to speak is decided by the waiter and by the Worker.

import { asciiJson, decodeText, encodeText, type AttachOutcome } from "../protocol/index.ts";
import type { WaitSpec } from "./waiter-state.ts";

/** What is waited for: the reply to a plain request, or to the exchange that is stored in the object. */
export type Parked =
  | { readonly kind: "plain"; readonly spec: WaitSpec }
  | { readonly kind: "durable"; readonly principal: string; readonly deadlineAt?: number };

/** Ends a parked wait. One message, so that no part of an answer can be lost. */
export type ParkedOutcome = Exclude<AttachOutcome, { status: "waiting" }>;

/** Carries what is waited for, in JSON, with the upgrade. */
export const parkHeader = "Hearback-Park";

/** The outcome was sent, and there is nothing more to come. */
export const closeAnswered = 1_000;

/** In ASCII: who asks may be named in any script. */
export function encodeParked(parked: Parked): string {
  return asciiJson(parked);
}

/** Undefined for what no gateway of ours sends. */
export function decodeParked(text: string | null): Parked | undefined {
  try {
    const parked: unknown = JSON.parse(text ?? "");
    if (typeof parked !== "object" || parked === null || !("kind" in parked)) return undefined;
    return parked.kind === "plain" || parked.kind === "durable" ? (parked as Parked) : undefined;
  } catch {
    return undefined;
  }
}

const headLengthBytes = 4;

/** The length of a JSON head in 4 bytes, the head, and the reply's body, if it is one. */
export function encodeParkedOutcome(outcome: ParkedOutcome): Uint8Array {
  const body = outcome.status === "replied" ? outcome.reply.body : new Uint8Array();
  const head = encodeText(
    JSON.stringify(
      outcome.status === "replied" ? { ...outcome, reply: { ...outcome.reply, body: undefined } } : outcome,
    ),
  );
  const message = new Uint8Array(headLengthBytes + head.byteLength + body.byteLength);
  new DataView(message.buffer).setUint32(0, head.byteLength);
  message.set(head, headLengthBytes);
  message.set(body, headLengthBytes + head.byteLength);
  return message;
}

const statuses = [
  "replied",
  "expired",
  "cancelled",
  "refused",
  "gone",
  "forbidden",
] satisfies ParkedOutcome["status"][];

/** Undefined for what no waiter of this version sends: the two roll out at different moments. */
export function decodeParkedOutcome(message: ArrayBuffer): ParkedOutcome | undefined {
  if (message.byteLength < headLengthBytes) return undefined;
  const headLength = new DataView(message).getUint32(0);
  if (message.byteLength < headLengthBytes + headLength) return undefined;
  const bytes = new Uint8Array(message);
  const head = decodeText(bytes.subarray(headLengthBytes, headLengthBytes + headLength));
  try {
    const outcome = JSON.parse(head ?? "") as ParkedOutcome;
    if (!statuses.includes(outcome.status)) return undefined;
    if (outcome.status !== "replied") return outcome;
    if (typeof outcome.reply.status !== "number") return undefined;
    return { ...outcome, reply: { ...outcome.reply, body: bytes.slice(headLengthBytes + headLength) } };
  } catch {
    return undefined;
  }
}
