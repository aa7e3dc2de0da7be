// The Durable Object that owns reply partitions: it stays awake while somebody may wait for a reply, reads
// in runs that its alarm chains together, and stores how far it got. How a run goes is in run.ts, what a
// record means in partitions.ts, what is stored in drain-storage.ts and dead-letters.ts, and what operators do
// with dead letters in dead-letter-desk.ts.

import { DurableObject } from "cloudflare:workers";
import type { Waiter } from "../durable/index.ts";
import { createUpstashKafka, type KafkaPort, type TopicPartition } from "../kafka/index.ts";
import {
  logCause,
  importUuidKeys,
  isSignedByAny,
  SparseLog,
  type CorrelationId,
  type CorrelationIdForm,
  type KafkaRecord,
  type SigningKey,
} from "../protocol/index.ts";
import {
  accept,
  partitionsToRead,
  promisedUntil,
  refresh,
  type DrainAssignment,
  type Duties,
} from "./assignment.ts";
import { DeadLetterDesk, type DeadLetterPage } from "./dead-letter-desk.ts";
import type { ShownDeadLetter } from "./dead-letter-view.ts";
import { DeadLetters } from "./dead-letters.ts";
import { DeliveryQueue, type DeliveryQueueOptions } from "./delivery-queue.ts";
import type { Fate, Ways } from "./dispatch.ts";
import { DrainStorage } from "./drain-storage.ts";
import type { SparseCounts } from "./ledger.ts";
import { nameOf } from "./partition-name.ts";
import { ReplyPartitions, type PartitionLedger } from "./partitions.ts";
import { drainHealth, type DrainHealth } from "./health.ts";
import type { NoRecord, Redriven, RedriveSummary } from "./redrive.ts";
import { run, type RunEnd } from "./run.ts";
import { RunBudget } from "./run-budget.ts";
import { Signal } from "./signal.ts";

/** Bindings and secrets of a Worker that hosts the drain. */
export interface DrainEnv {
  readonly UPSTASH_KAFKA_REST_URL: string;
  readonly UPSTASH_KAFKA_REST_USERNAME: string;
  readonly UPSTASH_KAFKA_REST_PASSWORD: string;
  readonly WAITER: DurableObjectNamespace<Waiter>;
  /** Signs UUID correlation IDs; only needed where a service uses them. Several, while one replaces another. */
  readonly CORRELATION_ID_SECRET?: string;
}

/** `failed`: a bug or a lost storage ended the run. */
type DrainRunEnd = RunEnd | "failed";

/** Instants are epoch ms; `lastPollAt` is 0 before the first poll of this instance. */
export interface DrainStatus {
  readonly awakeUntil: number;
  readonly lastPollAt: number;
  readonly health: DrainHealth;
}

export interface DrainLedger extends DrainStatus {
  readonly partitions: readonly PartitionLedger[];
  /** Whether replies read are the sum of verdicts and of what is in flight, on every partition. False is a bug. */
  readonly balanced: boolean;
  readonly deadLetters: number;
  /** Verdicts of dead letters that were tried again, as often as they were; no part of what was read. */
  readonly redriven: SparseCounts;
}

export interface ReplyDrainRpc {
  nudge(assignment: DrainAssignment, awakeUntil: number, neededUntil?: number): Promise<number>;
  tick(assignment: DrainAssignment): Promise<void>;
  status(): Promise<DrainStatus>;
  ledger(): Promise<DrainLedger>;
  deadLetters(limit: number, before?: number): Promise<DeadLetterPage>;
  deadLetter(id: number): Promise<ShownDeadLetter | NoRecord>;
  redrive(id: number): Promise<Redriven>;
  redriveAll(before?: number): Promise<RedriveSummary>;
  discard(id: number): Promise<boolean>;
}

const saveEveryMs = 1_000;
const topicsTimeoutMs = 3_000;
const deliveryTimeoutMs = 5_000;
/** Calls to waiters at once; more only queue up in the platform. */
const parallelDeliveries = 128;
/** After a bug ended a run: soon enough for those who wait, not a hot loop. */
const afterBugMs = 1_000;

export class ReplyDrain extends DurableObject<DrainEnv> implements ReplyDrainRpc {
  readonly #kafka: KafkaPort;
  readonly #stored: DrainStorage;
  readonly #partitions: ReplyPartitions;
  readonly #deadLetters: DeadLetters;
  readonly #queue: DeliveryQueue;
  readonly #desk: DeadLetterDesk;
  readonly #changed = new Signal();
  readonly #reassigned = new Signal();
  #runStartedAt = Date.now();
  #duties: Duties;
  #budget: RunBudget | undefined;
  #current: { readonly until: "owed" | "empty"; readonly end: Promise<DrainRunEnd> } | undefined;
  #lastPollAt = 0;
  #lastSaveAt = 0;
  #unsaved = false;
  #saidUnbalanced = false;
  readonly #outages = new SparseLog();
  #uuidKeys: Promise<readonly SigningKey[]> | undefined;

  constructor(ctx: DurableObjectState, env: DrainEnv) {
    super(ctx, env);
    this.#kafka = createUpstashKafka({
      url: env.UPSTASH_KAFKA_REST_URL,
      username: env.UPSTASH_KAFKA_REST_USERNAME,
      password: env.UPSTASH_KAFKA_REST_PASSWORD,
    });
    this.#stored = new DrainStorage(ctx.storage);
    this.#duties = this.#stored.loadDuties();
    this.#deadLetters = new DeadLetters(ctx.storage.sql);
    const calls: Omit<DeliveryQueueOptions, "mayCall"> = {
      waiterFor: (waiterId) => env.WAITER.get(env.WAITER.idFromString(waiterId)),
      parallel: parallelDeliveries,
      callTimeoutMs: deliveryTimeoutMs,
      now: Date.now,
      pause: (ms) => scheduler.wait(ms),
      random: Math.random,
    };
    const waiterIdOf: Ways["waiterIdOf"] = (id, form) => this.#waiterIdOf(id, form);
    this.#queue = new DeliveryQueue({ ...calls, mayCall: () => this.#budget?.takeDelivery() ?? false });
    this.#desk = new DeadLetterDesk({
      letters: this.#deadLetters,
      stored: this.#stored,
      kafka: this.#kafka,
      waiterIdOf,
      calls,
    });
    this.#partitions = new ReplyPartitions(
      {
        waiterIdOf,
        enqueue: (waiterId, reply) => this.#queue.add(waiterId, reply),
        deadLetter: (record, fate) => this.#keepDeadLetter(record, fate),
        progressed: () => {
          this.#unsaved = true;
          this.#changed.fire();
        },
      },
      this.#stored.loadProgress(),
    );
  }

  /**
   * Somebody waits on the line until `awakeUntil` for a reply on one of these topics, and has a use for it until
   * `neededUntil`; gateways of before there was such a difference say one instant only. Both are epoch ms. Answers
   * the instant up to which the drain stays awake, stored before it is said: until then no further nudge with the
   * same `neededUntil` is needed for an `awakeUntil` it covers.
   */
  async nudge(
    assignment: DrainAssignment,
    awakeUntil: number,
    neededUntil: number = awakeUntil,
  ): Promise<number> {
    this.#assume(accept(this.#duties, assignment, awakeUntil, neededUntil));
    await this.#ensureRunning();
    return promisedUntil(this.#duties, assignment);
  }

  /**
   * The watchdog's regular look. Restarts a drain that owes answers and does not poll; one that sleeps polls
   * once, for replies that came late. Learns how many partitions the topics really have.
   */
  async tick(assignment: DrainAssignment): Promise<void> {
    const topics = await this.#kafka.topics(topicsTimeoutMs);
    const counts = topics.status === "read" ? topics.value : new Map<string, number>();
    this.#assume(refresh(this.#duties, assignment, counts, Date.now()));
    if (Date.now() < this.#duties.awakeUntil) await this.#ensureRunning();
    else await this.#run("empty");
  }

  async status(): Promise<DrainStatus> {
    const { awakeUntil } = this.#duties;
    const lastPollAt = this.#lastPollAt;
    return {
      awakeUntil,
      lastPollAt,
      health: drainHealth(awakeUntil, lastPollAt, this.#runStartedAt, Date.now()),
    };
  }

  async ledger(): Promise<DrainLedger> {
    return {
      ...(await this.status()),
      partitions: this.#partitions.ledger(),
      balanced: this.#isBalanced(),
      deadLetters: this.#deadLetters.count,
      redriven: this.#desk.redriven,
    };
  }

  async deadLetters(limit: number, before?: number): Promise<DeadLetterPage> {
    return this.#desk.page(limit, before);
  }

  async deadLetter(id: number): Promise<ShownDeadLetter | NoRecord> {
    return this.#desk.whole(id);
  }

  async redrive(id: number): Promise<Redriven> {
    return this.#desk.redrive(id);
  }

  /** As many as one call may take, of those older than `before`; its answer says where to go on. */
  async redriveAll(before?: number): Promise<RedriveSummary> {
    return this.#desk.redriveAll(before);
  }

  /** False: there is none of that ID. */
  async discard(id: number): Promise<boolean> {
    return this.#desk.discard(id);
  }

  /** A run that fails does not fail the alarm: the platform gives up on one that failed seven times. */
  override async alarm(): Promise<void> {
    const end = await this.#run("owed");
    if (end === "failed") await this.#wake(afterBugMs);
    else if (Date.now() < this.#duties.awakeUntil) await this.#wake();
  }

  /**
   * Starts reading now rather than when the alarm fires, and sets the alarm, which waits for the same run and
   * starts the next one. After a reset the platform may hold a repeated alarm back for seconds.
   */
  async #ensureRunning(): Promise<void> {
    if (this.#current?.until === "owed") return;
    // A tick's run goes on as one that is owed, but only the alarm starts another one after it.
    void this.#run("owed");
    await this.#wake();
  }

  /** Joins the run in hand, if there is one: one loop reads for everybody. Never rejects. */
  #run(until: "owed" | "empty"): Promise<DrainRunEnd> {
    this.#current ??= { until, end: this.#newRun(until) };
    return this.#current.end;
  }

  async #newRun(until: "owed" | "empty"): Promise<DrainRunEnd> {
    this.#runStartedAt = Date.now();
    const budget = new RunBudget(this.#duties.subrequests, this.#runStartedAt);
    this.#budget = budget;
    // A tick has looked the topics up before, in the same invocation.
    if (until === "empty") budget.spendKafkaCall();
    this.#queue.resume();
    try {
      return await run(
        {
          kafka: this.#kafka,
          partitions: this.#partitions,
          budget,
          duties: () => this.#duties,
          changed: (ms) => this.#changed.nextWithin(ms),
          unlessReassigned: (poll) => this.#reassigned.nextUnless(poll),
          polled: () => {
            this.#lastPollAt = Date.now();
            if (Date.now() - this.#lastSaveAt >= saveEveryMs) this.#save();
          },
          failed: (cause) => this.#tellOutage(cause),
          now: Date.now,
        },
        until,
      );
    } catch (cause) {
      console.error(`hearback: a run of the drain failed: ${logCause(cause)}`);
      return "failed";
    } finally {
      this.#current = undefined;
      this.#save();
    }
  }

  #tellOutage(cause: unknown): void {
    const line = this.#outages.line(`Kafka REST did not answer the drain: ${logCause(cause)}`, Date.now());
    if (line !== undefined) console.warn(line);
  }

  /** A dead letter that cannot be kept is logged: the verdict stands either way. */
  #keepDeadLetter(record: KafkaRecord, { verdict, reason = "not recorded" }: Fate): void {
    try {
      this.#deadLetters.add(record, { verdict, reason }, Date.now());
    } catch (cause) {
      const place = `${nameOf(record)}/${record.offset}`;
      console.error(`hearback: the dead letter ${place} could not be kept: ${logCause(cause)}`);
    }
  }

  async #wake(inMs = 0): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + inMs);
  }

  #assume(duties: Duties): void {
    if (duties === this.#duties) return;
    const before = this.#duties;
    this.#duties = duties;
    this.#stored.saveDuties(duties);
    const wanted = partitionsToRead(duties);
    this.#partitions.keepOnly(wanted);
    if (namesOf(partitionsToRead(before)) !== namesOf(wanted)) this.#reassigned.fire();
    this.#changed.fire();
  }

  #save(): void {
    if (!this.#unsaved) return;
    this.#lastSaveAt = Date.now();
    this.#unsaved = false;
    this.#stored.saveProgress(this.#partitions.stored());
    this.#isBalanced();
  }

  #isBalanced(): boolean {
    const unbalanced = this.#partitions.unbalanced();
    if (unbalanced.length > 0 && !this.#saidUnbalanced) {
      this.#saidUnbalanced = true;
      console.error("hearback: the ledger does not balance, which is a bug", unbalanced);
    }
    return unbalanced.length === 0;
  }

  async #waiterIdOf(id: CorrelationId, form: CorrelationIdForm): Promise<string | undefined> {
    if (form === "hex") {
      try {
        // Throws for an ID that this namespace cannot have minted: no object is woken for a forged one.
        return this.env.WAITER.idFromString(id).toString();
      } catch {
        return undefined;
      }
    }
    this.#uuidKeys ??= importUuidKeys(this.env.CORRELATION_ID_SECRET);
    const isOurs = await isSignedByAny(id, await this.#uuidKeys);
    return isOurs ? this.env.WAITER.idFromName(id).toString() : undefined;
  }
}

function namesOf(partitions: readonly TopicPartition[]): string {
  return partitions.map(nameOf).join();
}
