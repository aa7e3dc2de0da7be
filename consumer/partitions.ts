// The reply partitions a drain reads: where each stands, what is in flight, what was counted. It turns
// records into deliveries and verdicts; polling, storage and the waiters themselves are elsewhere.

import type { LogPosition, Position, TopicPartition } from "../kafka/index.ts";
import {
  recordBytes,
  type CorrelationId,
  type CorrelationIdForm,
  type DrainVerdict,
  type KafkaRecord,
} from "../protocol/index.ts";
import type { QueuedReply } from "./delivery-queue.ts";
import { dispose } from "./disposition.ts";
import { InFlight } from "./in-flight.ts";
import * as ledger from "./ledger.ts";
import type { PartitionCounts } from "./ledger.ts";

/** One partition as it is stored: where to resume, and the counts of what is settled. */
export interface StoredPartition extends TopicPartition {
  readonly position: Position;
  readonly counts: PartitionCounts;
}

/** One partition as operators see it. */
export interface PartitionLedger extends TopicPartition {
  readonly offset: number;
  readonly read: number;
  readonly inFlight: number;
  readonly verdicts: ledger.VerdictCounts;
  readonly resets: number;
}

interface PartitionState extends TopicPartition {
  log: string;
  inFlight: InFlight;
  counts: PartitionCounts;
}

export interface PartitionsOptions {
  /** Undefined: no ID of this deployment. May ask for a signature check, hence the promise. */
  readonly waiterIdOf: (id: CorrelationId, form: CorrelationIdForm) => Promise<string | undefined>;
  readonly enqueue: (waiterId: string, reply: QueuedReply) => void;
  /** A reply that no waiter could be given. */
  readonly deadLetter: (record: KafkaRecord) => void;
  /** A verdict was given or a place was found: there may be room for another poll, and something to store. */
  readonly progressed: () => void;
}

/** For how long a reply without `X-Keep-Until` is worth trying to deliver. */
const defaultKeepMs = 60_000;

export class ReplyPartitions {
  readonly #options: PartitionsOptions;
  readonly #states = new Map<string, PartitionState>();
  #undeliveredBytes = 0;
  #undelivered = 0;

  constructor(options: PartitionsOptions, stored: readonly StoredPartition[]) {
    this.#options = options;
    for (const { topic, partition, position, counts } of stored) {
      this.#states.set(nameOf({ topic, partition }), {
        topic,
        partition,
        log: position.log,
        inFlight: new InFlight(position.offset),
        counts: ledger.restoreCounts(counts),
      });
    }
  }

  get undeliveredBytes(): number {
    return this.#undeliveredBytes;
  }

  get undelivered(): number {
    return this.#undelivered;
  }

  /** Where to poll from, for those of `wanted` that have a place yet. */
  positions(wanted: readonly TopicPartition[]): LogPosition[] {
    return wanted.flatMap(({ topic, partition }) => {
      const state = this.#states.get(nameOf({ topic, partition }));
      return state === undefined
        ? []
        : [{ topic, partition, offset: state.inFlight.nextOffset, log: state.log }];
    });
  }

  /** Learns the identity of a log that had none when the partition was placed: its topic was not there yet. */
  identify(partition: TopicPartition, log: string): void {
    const state = this.#states.get(nameOf(partition));
    if (state !== undefined) state.log = log;
  }

  /** Gives a partition its first place, or a new one after its log was lost; then a `reset` is counted. */
  place({ topic, partition }: TopicPartition, position: Position): void {
    const before = this.#states.get(nameOf({ topic, partition }));
    this.#states.set(nameOf({ topic, partition }), {
      topic,
      partition,
      log: position.log,
      inFlight: new InFlight(position.offset),
      // What was in flight of the lost log keeps its place in the counts: each has its verdict coming.
      counts: before === undefined ? ledger.noCounts : ledger.countReset(before.counts),
    });
    this.#options.progressed();
  }

  /** Takes what a poll brought. Returns when every record is counted or queued, not when it is delivered. */
  async take(records: readonly KafkaRecord[], now: number): Promise<void> {
    for (const record of records) {
      const state = this.#states.get(nameOf(record));
      // A reset of the position in the middle of a poll: what the poll brought is older than the new place.
      if (state === undefined || record.offset < state.inFlight.nextOffset) continue;
      const { inFlight } = state;
      inFlight.read(record.offset);
      state.counts = ledger.countRead(state.counts);
      const bytes = recordBytes(record);
      this.#undeliveredBytes += bytes;
      this.#undelivered++;
      const settle = (verdict: DrainVerdict): void => {
        inFlight.settle(record.offset);
        this.#undeliveredBytes -= bytes;
        this.#undelivered--;
        const current = this.#states.get(nameOf(record)) ?? state;
        current.counts = ledger.countVerdict(current.counts, verdict);
        if (verdict === "undeliverable") this.#options.deadLetter(record);
        this.#options.progressed();
      };
      try {
        await this.#dispatch(record, now, settle);
      } catch (cause) {
        // A record that breaks something must neither stop those behind it nor stay without a verdict.
        console.error("hearback: a reply could not be dispatched", cause);
        settle("undeliverable");
      }
    }
  }

  /** Forgets all but these, once they are settled: nobody is owed anything on the others. Their counts go too. */
  keepOnly(wanted: readonly TopicPartition[]): void {
    const names = new Set(wanted.map(nameOf));
    for (const [name, state] of this.#states) {
      if (!names.has(name) && state.inFlight.size === 0) this.#states.delete(name);
    }
  }

  stored(): StoredPartition[] {
    return [...this.#states.values()].map(({ topic, partition, log, inFlight, counts }) => ({
      topic,
      partition,
      position: { log, offset: inFlight.resumeOffset },
      counts: ledger.settledCounts(counts, inFlightOf(counts)),
    }));
  }

  ledger(): PartitionLedger[] {
    return [...this.#states.values()].map(({ topic, partition, inFlight, counts }) => ({
      topic,
      partition,
      offset: inFlight.resumeOffset,
      read: counts.read,
      inFlight: inFlightOf(counts),
      verdicts: counts.verdicts,
      resets: counts.resets,
    }));
  }

  async #dispatch(record: KafkaRecord, now: number, settle: (verdict: DrainVerdict) => void): Promise<void> {
    const disposition = dispose(record, now);
    if (disposition.todo === "count") {
      settle(disposition.verdict);
      return;
    }
    const { id, form, reply, keepUntil, verdict: knownVerdict } = disposition;
    const waiterId = await this.#options.waiterIdOf(id, form);
    if (waiterId === undefined) {
      settle("unknown");
      return;
    }
    this.#options.enqueue(waiterId, {
      delivery: {
        source: `${nameOf(record)}/${record.offset}`,
        topic: record.topic,
        reply,
      },
      giveUpAt: keepUntil ?? record.timestamp + defaultKeepMs,
      settle: (verdict) => settle(knownVerdict ?? verdict),
    });
  }
}

/** Read but without a verdict: of this log and of one that was lost while replies were on their way. */
function inFlightOf(counts: PartitionCounts): number {
  return counts.read - ledger.sumOfVerdicts(counts.verdicts);
}

/** One string per partition; also how a record's source is written, before its offset. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
