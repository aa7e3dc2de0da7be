// What is to be done with one record of a reply topic: a pure decision on its headers and the time.
// Whether the waiter takes the reply is the waiter's word.

import {
  decodeReply,
  type CorrelationId,
  type CorrelationIdForm,
  type DrainVerdict,
  type KafkaRecord,
  type Reply,
} from "../protocol/index.ts";

export type Disposition =
  | { readonly todo: "count"; readonly verdict: DrainVerdict }
  | {
      readonly todo: "deliver";
      readonly id: CorrelationId;
      readonly form: CorrelationIdForm;
      readonly reply: Reply;
      /** Epoch ms after which trying is pointless; absent when the responder did not copy the header. */
      readonly keepUntil?: number;
      /** Set when the verdict is clear already, whatever the waiter says of the reply. */
      readonly verdict?: DrainVerdict;
    };

export function dispose(record: KafkaRecord, now: number): Disposition {
  const decoded = decodeReply(record);
  switch (decoded.status) {
    case "foreign-id":
      return { todo: "count", verdict: "unknown" };
    case "unreadable":
      if (decoded.addressee === undefined) return { todo: "count", verdict: "malformed" };
      // Somebody waits for this record and nothing better will come: tell them now, not at the deadline.
      return {
        todo: "deliver",
        ...decoded.addressee,
        reply: { status: 502, error: "reply_unreadable", body: new Uint8Array() },
        verdict: "malformed",
      };
    case "readable": {
      const { id, form, reply, keepUntil } = decoded.envelope;
      if (keepUntil === undefined) return { todo: "deliver", id, form, reply };
      if (now >= keepUntil) return { todo: "count", verdict: "late" };
      return { todo: "deliver", id, form, reply, keepUntil };
    }
  }
}
