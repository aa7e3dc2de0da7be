// Replies to many waiters in one burst: the responder stands still until all wait, and then answers all of them as fast
// as it can.

import { setTimeout as sleep } from "node:timers/promises";
import { clock } from "../../load/pacer.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { fatesOf, gatherCrowd } from "./crowd.ts";
import { figuresOf, percentileOf } from "./figures.ts";
import { onStage, patientService, underWay, warmUp } from "./stage.ts";

export interface BurstPlan {
  readonly subject: string;
  readonly count: number;
  readonly perSecond: number;
  /** Gateways that share them; why there are several is said in open.ts. */
  readonly runtimes: number;
}

/** 20 s to gather, and as long again until the last is answered. */
const timeoutMs = 45_000;
/** As many as are asked later would teach the service's habit anew: enough for compilers and pools. */
const warmUps = { most: 5_000, atOnce: 64 };
/** What was asked last is then in Kafka. */
const settleMs = 500;

export async function measureBurst(
  { subject, count, perSecond, runtimes }: BurstPlan,
  context: UnitContext,
): Promise<UnitResult> {
  return onStage(
    context,
    {
      storage: "memory",
      runtimes,
      keepsWaiters: true,
      options: (topics) => patientService(topics, { timeoutMs }),
    },
    async (stage) => {
      const { world, gateway, callers, work } = stage;
      await warmUp(stage, Math.min(count, warmUps.most), warmUps.atOnce);
      const before = await gateway.ledger();
      const responder = world.processes.get("responder");
      if (responder === undefined) throw new Error("there is no responder");
      process.kill(responder, "SIGSTOP");
      let crowd;
      let inside;
      try {
        crowd = await gatherCrowd({ callers, count, perSecond, nextQuestion: () => work.question() });
        await sleep(settleMs);
        inside = await underWay(stage);
      } finally {
        process.kill(responder, "SIGCONT");
      }
      const resumedAt = clock();
      context.log(`${inside} wait in the gateway`);
      const waited = await crowd.ended;
      const after = await gateway.ledger();
      const right = waited.filter(({ isRight }) => isRight).map(({ endedAt }) => endedAt);
      const first = percentileOf(right, 0);
      const seconds = (percentileOf(right, 100) - first) / 1_000;
      const accepted = (after.verdicts["accepted"] ?? 0) - (before.verdicts["accepted"] ?? 0);
      context.log(`${JSON.stringify(fatesOf(waited))} in ${seconds.toFixed(2)} s`);
      const figure = figuresOf(subject);
      return {
        measurements: [],
        figures: [
          figure(
            "waiting",
            "requests that wait when the responder goes on, as the gateway counts them",
            inside,
          ),
          figure("first-ms", "from there to the first answer", first - resumedAt, "ms"),
          ...([50, 99, 100] as const).map((percent) =>
            figure(
              percent === 100 ? "last-ms" : `p${percent}-ms`,
              `from the first answer to ${percent === 100 ? "the last" : `p${percent}`}`,
              percentileOf(right, percent) - first,
              "ms",
            ),
          ),
          figure("replies-per-second", "replies handed to their callers", right.length / seconds, "1/s"),
          figure("right", "right answers", right.length),
          figure("other-ends", "ended in another way", count - right.length),
          figure("ledger-accepted", "replies that the ledger says were accepted", accepted),
          figure("ledger-other", "replies with another verdict", after.read - before.read - accepted),
        ],
        remarks: [],
      };
    },
  );
}
