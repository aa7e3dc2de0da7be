// Many plain requests that are open at once while nobody answers: what each keeps of memory, what all of them take of
// the processor while nothing happens, and how late each is told that its time is over.

import { setTimeout as sleep } from "node:timers/promises";
import { clock } from "../../load/pacer.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { fatesOf, gatherCrowd, type Crowd, type Waited } from "./crowd.ts";
import { figuresOf, percentileOf } from "./figures.ts";
import { onStage, patientService, underWay, warmUp, type Stage } from "./stage.ts";
import { ofGateway, watchQuiet } from "./usage.ts";

export interface OpenPlan {
  /** Of its figures. */
  readonly subject: string;
  readonly storage: "memory" | "disk";
  readonly count: number;
  readonly perSecond: number;
  readonly timeoutMs: number;
  /**
   * Gateways that share them. workerd has two descriptors of each connection, so that 10,000 do not fit into one process
   * where it may have 20,000.
   */
  readonly runtimes: number;
  /** For waits of 10 s and more, in memory. */
  readonly keepsWaiters?: boolean;
}

/** Answered before, some at a time: what the runtime takes once and for all is taken then. */
const warmUps = { most: 5_000, atOnce: 64 };
/** From the last question to where nothing happens any more: a hold in vain, the socket, the produce. */
const settleMs = 500;
/** The first deadline is not part of what is quiet. */
const marginMs = 250;
const wantedQuietMs = 2_000;

export async function measureOpen(plan: OpenPlan, context: UnitContext): Promise<UnitResult> {
  const { storage, timeoutMs, runtimes, keepsWaiters = false } = plan;
  return onStage(
    context,
    { storage, runtimes, keepsWaiters, options: (topics) => patientService(topics, { timeoutMs }) },
    async (stage) => {
      await warmUp(stage, Math.min(plan.count, warmUps.most), warmUps.atOnce);
      await stage.world.stopResponder();
      return openAll(plan, stage, context);
    },
  );
}

async function openAll(
  { subject, count, perSecond, timeoutMs }: OpenPlan,
  stage: Stage,
  { log }: UnitContext,
): Promise<UnitResult> {
  const { own, gateway, callers, work } = stage;
  const figure = figuresOf(subject);
  const remarks: string[] = [];
  const ledgerBefore = await gateway.ledger();
  const before = await watchQuiet(own, wantedQuietMs);
  const crowd = await gatherCrowd({ callers, count, perSecond, nextQuestion: () => work.question() });
  await untilAllAreIn(stage, crowd);
  await sleep(settleMs);
  const inside = await underWay(stage);
  const quietMs = crowd.firstAskedAt + timeoutMs - marginMs - clock();
  const during = await watchQuiet(own, Math.max(0, quietMs));
  if (quietMs < wantedQuietMs)
    remarks.push(`all were open together for ${Math.max(0, quietMs / 1_000).toFixed(1)} s only`);
  log(`${crowd.open} open, ${inside} in the gateway, quiet for ${during.seconds.toFixed(1)} s`);
  const waited = await crowd.ended;
  const ledger = await gateway.ledger();
  const lateMs = waited.flatMap((each) => latenessOf(each) ?? []);
  const sinceAskedMs = waited.map(({ askedAt, endedAt }) => endedAt - askedAt - timeoutMs);
  const kbOf = (name: string): number => ((during.kb.get(name) ?? 0) - (before.kb.get(name) ?? 0)) / count;
  const processes = [...during.kb.keys()];
  log(`${JSON.stringify(fatesOf(waited))}, at most ${Math.max(...lateMs).toFixed(0)} ms late`);
  return {
    measurements: [],
    figures: [
      figure("open", "requests open at once, as the gateway counts them", inside),
      figure(
        "kb-per-waiter",
        "memory of workerd and bridge for each",
        (ofGateway(during.kb) - ofGateway(before.kb)) / count,
        "kB",
      ),
      ...processes.map((name) => figure(`kb-per-waiter-${name}`, `of it ${name}`, kbOf(name), "kB")),
      figure(
        "idle-cpu-percent",
        "of one core, workerd and bridge, while nothing happens",
        ofGateway(during.cpuPercent),
        "%",
      ),
      ...processes.map((name) =>
        figure(`idle-cpu-percent-${name}`, `of it ${name}`, during.cpuPercent.get(name) ?? 0, "%"),
      ),
      figure("idle-cpu-percent-before", "the same before anybody asked", ofGateway(before.cpuPercent), "%"),
      figure("quiet-seconds", "for how long that was looked at", during.seconds, "s"),
      figure("504", "told that their time is over, as a problem", lateMs.length),
      figure("other-ends", "ended in another way", count - lateMs.length),
      ...([50, 99] as const).map((percent) =>
        figure(
          `late-504-p${percent}-ms`,
          `after its deadline, p${percent}`,
          percentileOf(lateMs, percent),
          "ms",
        ),
      ),
      figure("late-504-max-ms", "after its deadline, at most", percentileOf(lateMs, 100), "ms"),
      figure("early-504", "told before its deadline", lateMs.filter((ms) => ms < -1).length),
      figure(
        "late-for-caller-max-ms",
        "after the timeout as its caller counts, from asking on, at most",
        percentileOf(sinceAskedMs, 100),
        "ms",
      ),
      figure("replies-read", "replies that were read meanwhile", ledger.read - ledgerBefore.read),
    ],
    remarks,
  };
}

/** Until the gateway counts them all, or somebody is answered: then there is no use in waiting. */
async function untilAllAreIn(stage: Stage, crowd: Crowd): Promise<void> {
  while ((await underWay(stage)) < crowd.size && crowd.open === crowd.size) await sleep(50);
}

/** Against the deadline that the gateway names; undefined for any other end. */
function latenessOf({ answer, endedOn }: Waited): number | undefined {
  if (answer?.status !== 504 || answer.headers["content-type"] !== "application/problem+json")
    return undefined;
  const { code, deadlineAt } = JSON.parse(answer.body) as {
    readonly code?: string;
    readonly deadlineAt?: number;
  };
  return code === "deadline_exceeded" && deadlineAt !== undefined ? endedOn - deadlineAt : undefined;
}
