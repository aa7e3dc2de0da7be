// The reply partitions a drain reads: where each stands, what is in flight, what was counted. It turns
// records into deliveries and verdicts; polling, storage and the waiters themselves are elsewhere.

import type { LogPosition, Position, TopicPartition } from "../kafka/index.ts";
import { recordBytes, type KafkaRecord } from "../protocol/index.ts";
import { Backlog } from "./backlog.ts";
import { becomesDeadLetter, dispatch, type Fate, type Ways } from "./dispatch.ts";
import { InFlight } from "./in-flight.ts";
import * as ledger from "./ledger.ts";
import type { PartitionCounts } from "./ledger.ts";
import { nameOf } from "./partition-name.ts";

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
  /** The part of `verdicts` of which the waiter named the service. */
  readonly byService: ledger.ServiceCounts;
  readonly resets: number;
}

interface PartitionState extends TopicPartition {
  log: string;
  inFlight: InFlight;
  /** Of logs that were lost while replies were on their way: their verdicts are still to come. */
  lost: readonly InFlight[];
  counts: PartitionCounts;
}

export interface PartitionsOptions extends Ways {
  /** A reply that no waiter could be given, or that nobody can read. */
  readonly deadLetter: (record: KafkaRecord, fate: Fate) => void;
  /** A verdict, a place, or a waiter that is pursued: there may be room for another poll, and something to store. */
  readonly progressed: () => void;
}

export class ReplyPartitions {
  readonly #options: PartitionsOptions;
  readonly #states = new Map<string, PartitionState>();
  readonly #backlog = new Backlog();

  constructor(options: PartitionsOptions, stored: readonly StoredPartition[]) {
    this.#options = options;
    for (const { topic, partition, position, counts } of stored) {
      this.#states.set(nameOf({ topic, partition }), {
        topic,
        partition,
        log: position.log,
        inFlight: new InFlight(position.offset),
        lost: [],
        counts: ledger.restoreCounts(counts),
      });
    }
  }

  /** Replies that were read and have no verdict yet. */
  get unsettled(): number {
    return this.#backlog.size;
  }

  /** So many of them that the next poll must wait. */
  get isFull(): boolean {
    return this.#backlog.isFull;
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
      lost: before === undefined ? [] : [...before.lost, before.inFlight].filter(({ size }) => size > 0),
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
      const entry = this.#backlog.enter(recordBytes(record));
      const settle = (fate: Fate): void => {
        inFlight.settle(record.offset);
        entry.settle();
        const current = this.#states.get(nameOf(record)) ?? state;
        current.counts = ledger.countVerdict(current.counts, fate.verdict, fate.service);
        if (becomesDeadLetter(fate)) this.#options.deadLetter(record, fate);
        this.#options.progressed();
      };
      const pursued = (): void => {
        if (entry.pursue()) this.#options.progressed();
      };
      await dispatch(record, now, this.#options, settle, pursued);
    }
  }

  /** Forgets all but these, once they are settled: nobody is owed anything on the others. Their counts go too. */
  keepOnly(wanted: readonly TopicPartition[]): void {
    const names = new Set(wanted.map(nameOf));
    for (const [name, state] of this.#states) {
      if (!names.has(name) && inFlightOf(state) === 0) this.#states.delete(name);
    }
  }

  stored(): StoredPartition[] {
    return [...this.#states.values()].map((state) => ({
      topic: state.topic,
      partition: state.partition,
      position: { log: state.log, offset: state.inFlight.resumeOffset },
      counts: ledger.settledCounts(state.counts, inFlightOf(state)),
    }));
  }

  ledger(): PartitionLedger[] {
    return [...this.#states.values()].map((state) => ({
      topic: state.topic,
      partition: state.partition,
      offset: state.inFlight.resumeOffset,
      inFlight: inFlightOf(state),
      ...state.counts,
    }));
  }

  /** Names of the partitions whose books do not balance; there should never be one. */
  unbalanced(): string[] {
    return [...this.#states.values()]
      .filter((state) => !ledger.isBalanced(state.counts, inFlightOf(state)))
      .map(nameOf);
  }
}

/** Read but without a verdict, by the offsets themselves and not by the counts: so the counts can be found wrong. */
function inFlightOf({ inFlight, lost }: PartitionState): number {
  return lost.reduce((sum, { size }) => sum + size, inFlight.size);
}
