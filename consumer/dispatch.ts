// Sends one record on its way: to a verdict at once, or to the queue of its waiter and from there to a verdict.
// Replies that were just read and dead letters that are tried again take the same way.

import {
  logCause,
  type CorrelationId,
  type CorrelationIdForm,
  type DrainVerdict,
  type KafkaRecord,
} from "../protocol/index.ts";
import type { QueuedReply } from "./delivery-queue.ts";
import { dispose } from "./disposition.ts";
import { nameOf } from "./partition-name.ts";

/** What became of a record. */
export interface Fate {
  readonly verdict: DrainVerdict;
  /** Whose reply it is, where the waiter knew. */
  readonly service?: string;
  /** Of `malformed` and `undeliverable`: why, in words. */
  readonly reason?: string;
}

export interface Ways {
  /** Undefined: no ID of this deployment. May ask for a signature check, hence the promise. */
  readonly waiterIdOf: (id: CorrelationId, form: CorrelationIdForm) => Promise<string | undefined>;
  readonly enqueue: (waiterId: string, reply: QueuedReply) => void;
}

/**
 * Returns when the record has its verdict or is queued. `settle` is called once, now or later; `pursued` before that, as
 * often as its waiter was not reached and is to be tried again.
 */
export async function dispatch(
  record: KafkaRecord,
  now: number,
  { waiterIdOf, enqueue }: Ways,
  settle: (fate: Fate) => void,
  pursued?: () => void,
): Promise<void> {
  const way = await wayOf(record, now, waiterIdOf).catch((cause: unknown): Way => {
    // A record that breaks something must neither stop those behind it nor stay without a verdict.
    console.error(`hearback: a reply could not be dispatched: ${logCause(cause)}`);
    return { verdict: "undeliverable", reason: "the reply could not be dispatched" };
  });
  if ("waiterId" in way) {
    const { waiterId, fateOf, ...queued } = way;
    enqueue(waiterId, {
      ...queued,
      settle: (verdict, service) => settle(fateOf(verdict, service)),
      ...(pursued === undefined ? {} : { pursued }),
    });
  } else settle(way);
}

type Way =
  | Fate
  | (Pick<QueuedReply, "delivery" | "giveUpAt"> & {
      readonly waiterId: string;
      readonly fateOf: (verdict: DrainVerdict, service?: string) => Fate;
    });

async function wayOf(record: KafkaRecord, now: number, waiterIdOf: Ways["waiterIdOf"]): Promise<Way> {
  const disposition = dispose(record, now);
  if (disposition.todo === "count") return disposition.fate;
  const { id, form, reply, keepUntil, fate } = disposition;
  const waiterId = await waiterIdOf(id, form);
  if (waiterId === undefined) return { verdict: "unknown" };
  const place = `${nameOf(record)}/${record.offset}`;
  // What stands in for an unreadable record is not that record: once that can be read, it is another reply.
  const source = fate === undefined ? place : `${place}/unreadable`;
  return {
    waiterId,
    delivery: { source, topic: record.topic, reply },
    giveUpAt: keepUntil ?? Infinity,
    fateOf: (verdict, service) => ({
      ...(fate ?? (verdict === "undeliverable" ? outOfReach : { verdict })),
      ...(service === undefined ? {} : { service }),
    }),
  };
}

const outOfReach: Fate = { verdict: "undeliverable", reason: "the waiter stayed out of reach" };

/** Replies that nobody got, and that may be of use once what kept them back is mended. */
export function becomesDeadLetter({ verdict }: Pick<Fate, "verdict">): boolean {
  return verdict === "malformed" || verdict === "undeliverable";
}
