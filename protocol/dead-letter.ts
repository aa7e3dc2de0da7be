// The dead-letter record: a request that no reply can be sent to, kept as it was and with the reason. What becomes
// of it is up to operators.

import { recordHeaders } from "./headers.ts";
import { textHeader, type KafkaRecord, type NewRecord } from "./record.ts";
import type { UnreadableAddress } from "./request.ts";

/** Why a request record cannot be answered. Codes are stable; docs/protocol.md lists them. */
export type DeadLetterReason =
  | UnreadableAddress
  | "reply_topic_forbidden"
  | "reply_topic_unknown"
  | "reply_partition_unknown"
  | "reply_refused";

/**
 * Key, value and headers of `record`, with the reason and the place it was read from; a second dead letter of the
 * same record is the same record. `withValue: false` is for a record that is too large with these headers: its
 * place says where to find it.
 */
export function encodeDeadLetter(
  topic: string,
  record: KafkaRecord,
  reason: DeadLetterReason,
  { responder, withValue = true }: { readonly responder?: string; readonly withValue?: boolean } = {},
): NewRecord {
  return {
    topic,
    key: record.key,
    value: withValue ? record.value : null,
    headers: [
      // The request's own would make repeats of several dead letters with one ID.
      ...record.headers.filter(({ key }) => key.toLowerCase() !== recordHeaders.produceId.toLowerCase()),
      textHeader(recordHeaders.produceId, `${record.topic}/${record.partition}/${record.offset}`),
      textHeader(recordHeaders.deadLetterReason, reason),
      textHeader(recordHeaders.deadLetterTopic, record.topic),
      textHeader(recordHeaders.deadLetterPartition, String(record.partition)),
      textHeader(recordHeaders.deadLetterOffset, String(record.offset)),
      ...(responder === undefined ? [] : [textHeader(recordHeaders.deadLetterResponder, responder)]),
    ],
  };
}
