// More than the gateway can take: whether it says so at once to whom it cannot serve, serves the others in time, and is
// itself again when it is over. Capacity and breaker are at their defaults.

import type { HttpAnswer } from "../../load/http-caller.ts";
import { decodeHistogram, percentileMs } from "../../load/histogram.ts";
import { applyLoad, type Load } from "../../load/open-loop.ts";
import { clock } from "../../load/pacer.ts";
import { kneeP99Ms } from "../../knee.ts";
import type { Measurement } from "../../raw.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { endsOf, figuresOf, percentileOf } from "./figures.ts";
import { onStage, warmUp, type Stage } from "./stage.ts";

export interface OverloadPlan {
  readonly subject: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** The gateway's knee is not known, and a guess stands for it. */
  readonly isGuess: boolean;
}

const calmPerSecond = 100;
const calmSeconds = 5;
const recoverWithinMs = 30_000;
const warmUps = { count: 2_000, atOnce: 64 };
/** The generator's own descriptors end there. */
const mostOpen = 15_000;

interface Shed {
  readonly afterMs: number;
  readonly isAsPromised: boolean;
  readonly code: string;
}

export async function measureOverload(plan: OverloadPlan, context: UnitContext): Promise<UnitResult> {
  const { subject, perSecond, seconds, isGuess } = plan;
  return onStage(
    context,
    { storage: "memory", options: ({ requests, replies }) => ordinaryService(requests, replies) },
    async (stage) => {
      await warmUp(stage, Math.min(warmUps.count, perSecond * seconds), warmUps.atOnce);
      const shed: Shed[] = [];
      const over = await apply(stage, subject, perSecond, seconds, shed);
      const overAt = clock();
      const recovered = await recover(stage, overAt);
      const calm = await apply(stage, `${subject}-after`, calmPerSecond, Math.min(calmSeconds, seconds), []);
      const figure = figuresOf(subject);
      const times = decodeHistogram(over.latency);
      const { fates } = over;
      const asked = endsOf(fates);
      const of = (fate: string): number => fates[fate] ?? 0;
      const codes = countBy(shed.map(({ code }) => code));
      context.log(`${JSON.stringify(fates)} ${JSON.stringify(codes)}`);
      return {
        measurements: [over, calm],
        figures: [
          figure("per-second", "asked", perSecond, "1/s"),
          figure("accepted-per-second", "answered right", of("right") / over.elapsedSeconds, "1/s"),
          figure("accepted-p99-ms", "p99 of those", percentileMs(times, 99), "ms"),
          figure("accepted-max-ms", "the longest of those", percentileMs(times, 100), "ms"),
          figure("shed-percent", "refused with 503, of all", (of("503") / asked) * 100, "%"),
          figure(
            "shed-p99-ms",
            "p99 of the time to a refusal",
            percentileOf(
              shed.map(({ afterMs }) => afterMs),
              99,
            ),
            "ms",
          ),
          figure(
            "shed-without-retry-after",
            "refusals without Retry-After, or no problem",
            shed.filter(({ isAsPromised }) => !isAsPromised).length,
          ),
          figure("504", "told that their time is over", of("504")),
          figure(
            "other-ends",
            "wrong, without an answer, or not sent",
            asked - of("right") - of("503") - of("504"),
          ),
          figure(
            "recovered-s",
            `until p99 at ${calmPerSecond}/s was under ${kneeP99Ms} ms again`,
            recovered,
            "s",
          ),
          figure(
            "after-p99-ms",
            `p99 at ${calmPerSecond}/s then`,
            percentileMs(decodeHistogram(calm.latency), 99),
            "ms",
          ),
        ],
        remarks: [
          ...(isGuess ? ["the knee was not measured before: the rate is a guess"] : []),
          `refused with 503: ${
            Object.entries(codes)
              .map((each) => each.join(" "))
              .join(", ") || "nobody"
          }`,
          ...(Number.isNaN(recovered) ? [`not itself again after ${recoverWithinMs / 1_000} s`] : []),
        ],
      };
    },
  );
}

function ordinaryService(requestTopic: string, replyTopic: string) {
  return {
    workersPlan: "paid" as const,
    services: { predict: { route: "POST /predict", requestTopic, replyTopic } },
  };
}

function apply(
  { caller, gateway, all, work }: Stage,
  name: string,
  perSecond: number,
  seconds: number,
  shed: Shed[],
): Promise<Measurement> {
  const ask: Load["ask"] = async (body) => {
    const askedAt = clock();
    const answer = await caller.send({ body });
    if (answer.status === 503) shed.push(shedOf(answer, clock() - askedAt));
    return answer;
  };
  return applyLoad({
    name,
    contender: "hearback-memory",
    perSecond,
    seconds,
    ask,
    nextQuestion: () => work.question(),
    watch: all,
    ledger: gateway.ledger,
    mostOpen,
  });
}

function shedOf({ headers, body }: HttpAnswer, afterMs: number): Shed {
  const isProblem = headers["content-type"] === "application/problem+json";
  const { code = "" } = isProblem ? (JSON.parse(body) as { readonly code?: string }) : {};
  return { afterMs, code, isAsPromised: isProblem && Number(headers["retry-after"]) >= 1 };
}

/** Seconds until a second of calm load is all right and quick; NaN where that takes too long. */
async function recover(stage: Stage, since: number): Promise<number> {
  while (clock() - since < recoverWithinMs) {
    const { fates, latency } = await apply(stage, "calm", calmPerSecond, 1, []);
    const isRight = Object.keys(fates).every((fate) => fate === "right");
    if (isRight && percentileMs(decodeHistogram(latency), 99) < kneeP99Ms) return (clock() - since) / 1_000;
  }
  return Number.NaN;
}

function countBy(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
