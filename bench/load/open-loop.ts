// An open loop: requests begin when they are due, whatever became of those before, and their latency counts from when
// they were due. A contender that stalls is charged for everybody who would have come meanwhile.

import type { ContenderId, Ledger, RunningContender } from "../contenders/contender.ts";
import type { Measurement } from "../raw.ts";
import type { ProcessWatch } from "../world/process-watch.ts";
import { encodeHistogram, newHistogram, recordMs } from "./histogram.ts";
import { clock, pace } from "./pacer.ts";
import type { Question } from "./work.ts";

export interface Load {
  readonly name: string;
  readonly contender: ContenderId;
  readonly perSecond: number;
  readonly seconds: number;
  readonly ask: RunningContender["ask"];
  readonly nextQuestion: () => Question;
  readonly watch: ProcessWatch;
  readonly ledger?: RunningContender["ledger"];
  /**
   * Requests that may be open at once; one that is due beyond them is not sent, and counted so.
   * @default 5000
   */
  readonly mostOpen?: number;
}

/** Resolves when every request that was begun has ended. */
export async function applyLoad(load: Load): Promise<Measurement> {
  const { name, contender, perSecond, seconds, ask, nextQuestion, watch, mostOpen = 5_000 } = load;
  const latency = newHistogram();
  const lateness = newHistogram();
  const fates: Record<string, number> = {};
  const open = new Set<Promise<void>>();
  const before = await load.ledger?.();
  const use = watch.begin();
  const startedAt = clock();
  await pace(perSecond, Math.round(perSecond * seconds), (_, intended) => {
    if (open.size >= mostOpen) {
      count(fates, "not sent");
      return;
    }
    const question = nextQuestion();
    recordMs(lateness, clock() - intended);
    const asked = fateOf(ask, question).then((fate) => {
      if (fate === "right") recordMs(latency, clock() - intended);
      count(fates, fate);
      open.delete(asked);
    });
    open.add(asked);
  });
  await Promise.all(open);
  const elapsedSeconds = (clock() - startedAt) / 1_000;
  const processes = use.end();
  const after = await load.ledger?.();
  return {
    name,
    contender,
    perSecond,
    seconds,
    elapsedSeconds,
    fates,
    latency: encodeHistogram(latency),
    lateness: encodeHistogram(lateness),
    processes,
    ...(before === undefined || after === undefined ? {} : { ledger: gained(before, after) }),
  };
}

/** `right`, `wrong`, `no answer`, or the status of a refusal. */
async function fateOf(ask: Load["ask"], question: Question): Promise<string> {
  try {
    const { status, body } = await ask(question.body);
    if (status !== 200) return String(status);
    return question.isRight(body) ? "right" : "wrong";
  } catch {
    return "no answer";
  }
}

function count(fates: Record<string, number>, fate: string): void {
  fates[fate] = (fates[fate] ?? 0) + 1;
}

function gained(before: Ledger, after: Ledger): Ledger {
  const verdicts = Object.entries(after.verdicts).map(
    ([verdict, times]) => [verdict, times - (before.verdicts[verdict] ?? 0)] as const,
  );
  return {
    read: after.read - before.read,
    verdicts: Object.fromEntries(verdicts.filter(([, times]) => times !== 0)),
    inFlight: after.inFlight - before.inFlight,
  };
}
