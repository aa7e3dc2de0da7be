// What operators may do with dead letters: look, try again, discard. It keeps the count of those tried again, and the
// queue by which they go to their waiters.

import type { KafkaPort } from "../kafka/index.ts";
import { everything, preview, show, type ShownDeadLetter } from "./dead-letter-view.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { DeliveryQueue, type DeliveryQueueOptions } from "./delivery-queue.ts";
import { dispatch, type Ways } from "./dispatch.ts";
import type { DrainStorage } from "./drain-storage.ts";
import { addOne, type SparseCounts } from "./ledger.ts";
import {
  recordOf,
  redrive,
  redriveAll,
  type NoRecord,
  type RedriveDeps,
  type Redriven,
  type RedriveSummary,
} from "./redrive.ts";

/** The newest first. `next` is the `before` of the following page, if there is one. */
export interface DeadLetterPage {
  readonly deadLetters: readonly ShownDeadLetter[];
  readonly next?: number;
}

export interface DeadLetterDeskOptions {
  readonly letters: Pick<DeadLetters, "get" | "page" | "remove">;
  readonly stored: Pick<DrainStorage, "loadRedriven" | "saveRedriven">;
  readonly kafka: Pick<KafkaPort, "fetch">;
  readonly waiterIdOf: Ways["waiterIdOf"];
  /** How waiters are called. */
  readonly calls: Omit<DeliveryQueueOptions, "mayCall">;
}

/** How long a waiter is pursued, whatever the keep-until says: an operator waits for the answer. */
const giveUpMs = 10_000;

export class DeadLetterDesk {
  readonly #letters: DeadLetterDeskOptions["letters"];
  readonly #deps: RedriveDeps;
  #redriven: SparseCounts;

  constructor({ letters, stored, kafka, waiterIdOf, calls }: DeadLetterDeskOptions) {
    this.#letters = letters;
    this.#redriven = stored.loadRedriven();
    // Not that of the runs: a drain that sleeps has no run to take the calls from, and few are made at a time.
    const queue = new DeliveryQueue({ ...calls, mayCall: () => true });
    const { now } = calls;
    this.#deps = {
      letters,
      kafka,
      dispatch: (record, settle) => {
        const latest = now() + giveUpMs;
        const enqueue: Ways["enqueue"] = (waiterId, reply) =>
          queue.add(waiterId, { ...reply, giveUpAt: Math.min(reply.giveUpAt, latest) });
        return dispatch(record, now(), { waiterIdOf, enqueue }, settle);
      },
      redriven: (verdict) => {
        this.#redriven = addOne(this.#redriven, verdict);
        stored.saveRedriven(this.#redriven);
      },
      now,
    };
  }

  /** Verdicts of those tried again, as often as they were. */
  get redriven(): SparseCounts {
    return this.#redriven;
  }

  page(limit: number, before?: number): DeadLetterPage {
    const { ids, next } = this.#letters.page(limit, before);
    const deadLetters = ids.flatMap((id) => {
      const letter = this.#letters.get(id);
      return letter === undefined ? [] : [show(letter, preview)];
    });
    return { deadLetters, ...(next === undefined ? {} : { next }) };
  }

  /** One of them, with the whole of its record. */
  async whole(id: number): Promise<ShownDeadLetter | NoRecord> {
    const letter = this.#letters.get(id);
    if (letter === undefined) return { status: "unknown" };
    const record = await recordOf(this.#deps, letter);
    return "status" in record ? record : show({ ...letter, record }, everything);
  }

  redrive(id: number): Promise<Redriven> {
    return redrive(this.#deps, id);
  }

  redriveAll(before?: number): Promise<RedriveSummary> {
    return redriveAll(this.#deps, before);
  }

  /** False: there is none. */
  discard(id: number): boolean {
    return this.#letters.remove(id);
  }
}
