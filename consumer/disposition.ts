// What is to be done with one record of a reply topic: a pure decision on its headers and the time.
// Whether the waiter takes the reply is the waiter's word.

import {
  decodeReply,
  type CorrelationId,
  type CorrelationIdForm,
  type KafkaRecord,
  type Reply,
} from "../protocol/index.ts";
import type { Fate } from "./dispatch.ts";

export type Disposition =
  | { readonly todo: "count"; readonly fate: Fate }
  | {
      readonly todo: "deliver";
      readonly id: CorrelationId;
      readonly form: CorrelationIdForm;
      readonly reply: Reply;
      /** Epoch ms after which trying is pointless; absent when the responder did not copy the header. */
      readonly keepUntil?: number;
      /** Set when the verdict is clear already, whatever the waiter says of the reply. */
      readonly fate?: Fate;
    };

export function dispose(record: KafkaRecord, now: number): Disposition {
  const decoded = decodeReply(record);
  switch (decoded.status) {
    case "foreign-id":
      return { todo: "count", fate: { verdict: "unknown" } };
    case "unreadable": {
      const fate: Fate = { verdict: "malformed", reason: decoded.reason };
      if (decoded.addressee === undefined) return { todo: "count", fate };
      // Somebody waits for this record and nothing better will come: tell them now, not at the deadline.
      return {
        todo: "deliver",
        ...decoded.addressee,
        reply: { status: 502, error: "reply_unreadable", body: new Uint8Array() },
        fate,
      };
    }
    case "readable": {
      const { id, form, reply, keepUntil } = decoded.envelope;
      if (keepUntil === undefined) return { todo: "deliver", id, form, reply };
      if (now >= keepUntil) return { todo: "count", fate: { verdict: "late" } };
      return { todo: "deliver", id, form, reply, keepUntil };
    }
  }
}
