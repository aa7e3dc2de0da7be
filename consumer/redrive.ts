// Dead letters tried again, one or all: read, dispatched as any reply is, and removed once they have a verdict that
// settles them. Where they are kept and how they reach a waiter is elsewhere.

import type { KafkaPort } from "../kafka/index.ts";
import type { DrainVerdict, KafkaRecord } from "../protocol/index.ts";
import type { DeadLetter, DeadLetters } from "./dead-letters.ts";
import { becomesDeadLetter, type Fate } from "./dispatch.ts";
import { addOne, type SparseCounts } from "./ledger.ts";

/** `gone`: it was too large to be kept, and Kafka has it no more. `unreachable`: Kafka does not say. */
export type NoRecord = { readonly status: "unknown" | "gone" | "unreachable" };

export type Redriven = { readonly status: "redriven"; readonly verdict: DrainVerdict } | NoRecord;

export interface RedriveSummary {
  readonly verdicts: SparseCounts;
  /** Those whose record could not be had from Kafka. */
  readonly unread: number;
  /** Where to go on, if there are more. */
  readonly next?: number;
}

export interface RedriveDeps {
  readonly letters: Pick<DeadLetters, "get" | "page" | "remove">;
  readonly kafka: Pick<KafkaPort, "fetch">;
  readonly dispatch: (record: KafkaRecord, settle: (fate: Fate) => void) => Promise<void>;
  /** For the ledger. */
  readonly redriven: (verdict: DrainVerdict) => void;
  readonly now: () => number;
}

/** Each may be a read of Kafka, of which Workers Free allows 50 to a call. */
export const redrivesPerCall = 40;
/** Waiters out of reach may take 5 s each. */
const redriveForMs = 20_000;
const readWaitMs = 1_000;

export async function redrive(deps: RedriveDeps, id: number): Promise<Redriven> {
  const found = await recordOf(deps, deps.letters.get(id));
  if ("status" in found) return found;
  const { verdict } = await new Promise<Fate>((settle) => void deps.dispatch(found, settle));
  deps.redriven(verdict);
  if (!becomesDeadLetter({ verdict })) deps.letters.remove(id);
  return { status: "redriven", verdict };
}

/** The newest first, one after the other: together their records might be more than the memory there is. */
export async function redriveAll(deps: RedriveDeps, before?: number): Promise<RedriveSummary> {
  const until = deps.now() + redriveForMs;
  const { ids, next } = deps.letters.page(redrivesPerCall, before);
  let verdicts: SparseCounts = {};
  let unread = 0;
  for (const [at, id] of ids.entries()) {
    const previous = ids[at - 1];
    if (previous !== undefined && deps.now() >= until) return { verdicts, unread, next: previous };
    const outcome = await redrive(deps, id);
    if (outcome.status === "redriven") verdicts = addOne(verdicts, outcome.verdict);
    else if (outcome.status !== "unknown") unread++;
  }
  return { verdicts, unread, ...(next === undefined ? {} : { next }) };
}

/** The record itself, from the row or from its place in Kafka. */
export async function recordOf(
  { kafka }: Pick<RedriveDeps, "kafka">,
  letter: DeadLetter | undefined,
): Promise<KafkaRecord | NoRecord> {
  if (letter === undefined) return { status: "unknown" };
  const { topic, partition, offset, record } = letter;
  if (record !== undefined) return record;
  const answer = await kafka.fetch([{ topic, partition, offset, log: "" }], readWaitMs);
  if (answer.status !== "read") return { status: "unreachable" };
  // Reading goes on behind a record that was cut away.
  return answer.value.find((read) => read.offset === offset) ?? { status: "gone" };
}
