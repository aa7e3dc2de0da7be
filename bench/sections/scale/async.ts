// Very many requests that nobody waits for on the line, over several gateways: how fast they are taken, what each keeps
// of memory until its reply is there, and whether every answer is at its Location.

import { clock } from "../../load/pacer.ts";
import type { HttpCaller } from "../../load/http-caller.ts";
import type { Question } from "../../load/work.ts";
import { defaultTopics } from "../../world/index.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { figuresOf } from "./figures.ts";
import { onStage, patientService, warmUp, type Stage } from "./stage.ts";
import { ofGateway, watchQuiet } from "./usage.ts";

export interface AsyncPlan {
  readonly subject: string;
  readonly count: number;
  readonly runtimes: number;
  readonly quietMs: number;
}

/** Of each gateway. */
const atOnce = 24;
const warmUpsEach = 300;
const replyWithinMs = 240_000;
const collectWithinMs = 240_000;
/** A reply that is not there yet is asked for again. */
const pauseMs = 100;

interface Taken {
  readonly caller: HttpCaller;
  readonly location: string;
  readonly question: Question;
}

export async function measureAsync(plan: AsyncPlan, context: UnitContext): Promise<UnitResult> {
  const { subject, count, runtimes, quietMs } = plan;
  const topics = { ...defaultTopics, partitions: runtimes };
  return onStage(
    context,
    {
      storage: "disk",
      topics,
      runtimes,
      options: (each) => patientService(each, { asyncTimeoutMs: 900_000 }),
    },
    async (stage) => {
      const { world, gateway, own } = stage;
      await warmUp(stage, Math.min(count, warmUpsEach * runtimes), atOnce);
      await world.stopResponder();
      const ledgerBefore = await gateway.ledger();
      const before = await watchQuiet(own, quietMs);
      const [taken, takenSeconds, refused] = await take(stage, count);
      context.log(`${taken.length} taken in ${takenSeconds.toFixed(1)} s, ${refused} refused`);
      const during = await watchQuiet(own, quietMs);
      const startedAt = clock();
      await world.startResponder("bare");
      const repliesSeconds = await untilAccepted(
        stage,
        ledgerBefore.verdicts["accepted"] ?? 0,
        taken.length,
        startedAt,
      );
      context.log(`${taken.length} replies in ${repliesSeconds.toFixed(1)} s`);
      const [right, collectedSeconds] = await collect(taken);
      context.log(`${right} collected in ${collectedSeconds.toFixed(1)} s`);
      const ledger = await gateway.ledger();
      const figure = figuresOf(subject);
      return {
        measurements: [],
        figures: [
          figure("runtimes", "gateways", runtimes),
          figure("taken", "answered with 202 and a Location", taken.length),
          figure("refused", "answered otherwise", refused),
          figure("taken-per-second", "taken", taken.length / takenSeconds, "1/s"),
          figure(
            "kb-per-waiter",
            "memory of all workerd and the bridge for each",
            (ofGateway(during.kb) - ofGateway(before.kb)) / count,
            "kB",
          ),
          figure(
            "idle-cpu-percent",
            "of one core, all workerd and the bridge, while all wait",
            ofGateway(during.cpuPercent),
            "%",
          ),
          figure(
            "idle-cpu-percent-before",
            "the same before anybody asked",
            ofGateway(before.cpuPercent),
            "%",
          ),
          figure(
            "replies-per-second",
            "replies stored, from the start of the responder on",
            taken.length / repliesSeconds,
            "1/s",
          ),
          figure("collected-per-second", "answers fetched by Location", right / collectedSeconds, "1/s"),
          figure("right", "right answers at their Location", right),
          figure(
            "ledger-accepted",
            "replies that the ledgers say were accepted",
            (ledger.verdicts["accepted"] ?? 0) - (ledgerBefore.verdicts["accepted"] ?? 0),
          ),
          figure(
            "ledger-other",
            "replies with another verdict",
            ledger.read -
              ledgerBefore.read -
              (ledger.verdicts["accepted"] ?? 0) +
              (ledgerBefore.verdicts["accepted"] ?? 0),
          ),
        ],
        remarks: [],
      };
    },
  );
}

/** `atOnce` of each gateway until there are enough. */
async function take(
  { callers, work }: Stage,
  count: number,
): Promise<readonly [taken: readonly Taken[], seconds: number, refused: number]> {
  const taken: Taken[] = [];
  let left = count;
  let refused = 0;
  const startedAt = clock();
  const go = async (caller: HttpCaller): Promise<void> => {
    while (left-- > 0) {
      const question = work.question();
      const answer = await caller
        .send({ headers: { prefer: "respond-async" }, body: question.body })
        .catch(() => undefined);
      const location = answer?.headers["location"];
      if (answer?.status === 202 && typeof location === "string") taken.push({ caller, location, question });
      else refused++;
    }
  };
  await eachOf(callers, go);
  return [taken, (clock() - startedAt) / 1_000, refused];
}

/** In seconds. Rejects when not all are there in time. */
async function untilAccepted(
  { gateway }: Stage,
  before: number,
  count: number,
  startedAt: number,
): Promise<number> {
  for (;;) {
    const accepted = ((await gateway.ledger()).verdicts["accepted"] ?? 0) - before;
    if (accepted >= count) return (clock() - startedAt) / 1_000;
    if (clock() - startedAt > replyWithinMs)
      throw new Error(`${accepted} of ${count} replies were accepted in ${replyWithinMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function collect(taken: readonly Taken[]): Promise<readonly [right: number, seconds: number]> {
  let next = 0;
  let right = 0;
  const startedAt = clock();
  const go = async (): Promise<void> => {
    for (let one = taken[next++]; one !== undefined; one = taken[next++]) {
      const { caller, location, question } = one;
      for (;;) {
        const answer = await caller.send({ method: "GET", path: location }).catch(() => undefined);
        if (answer?.status === 200 && question.isRight(answer.body)) right++;
        const isThere = answer !== undefined && answer.status !== 202;
        if (isThere || clock() - startedAt > collectWithinMs) break;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
  await eachOf([...new Set(taken.map(({ caller }) => caller))], go);
  return [right, (clock() - startedAt) / 1_000];
}

async function eachOf(
  callers: readonly HttpCaller[],
  go: (caller: HttpCaller) => Promise<void>,
): Promise<void> {
  await Promise.all(callers.flatMap((caller) => Array.from({ length: atOnce }, () => go(caller))));
}
