// The contenders side by side: each in turn, again and again, so that whatever the machine does meanwhile is met by
// all of them. A turn is one unit: 100 requests a second, a ramp to the knee, and half of that knee.

import type { Contender } from "../contenders/contender.ts";
import { kneeOf, nextStep, stepOf, type Step } from "../knee.ts";
import type { Measurement } from "../raw.ts";
import type { World } from "../world/index.ts";
import { loaderOf, type Loader, type LoadStep } from "./loader.ts";
import type { PlannedUnit, UnitContext, UnitResult } from "./unit.ts";

interface Pace {
  readonly warmUp: readonly LoadStep[];
  readonly fixedSeconds: number;
  readonly rampSeconds: number;
  /** Steps of a ramp, at most. */
  readonly rampSteps: number;
}

const usualPace: Pace = {
  warmUp: [
    { perSecond: 100, seconds: 3 },
    { perSecond: 400, seconds: 5 },
  ],
  fixedSeconds: 10,
  rampSeconds: 3,
  rampSteps: 20,
};
const smokePace: Pace = {
  warmUp: [{ perSecond: 50, seconds: 1 }],
  fixedSeconds: 1,
  rampSeconds: 0.5,
  rampSteps: 2,
};
/** After the warm-up and after a step that failed: until so many in a row are right, at a rate that bothers nobody. */
const calm = { perSecond: 20, seconds: 1, patienceMs: 30_000 } as const;
const patience = `within ${calm.patienceMs / 1_000} s`;

/** For whoever reads the figures. */
export const compareSettings: Readonly<Record<string, string>> = {
  "warm-up, left out": usualPace.warmUp
    .map(({ perSecond, seconds }) => `${seconds} s at ${perSecond}/s`)
    .join(", "),
  "fixed rates": `${usualPace.fixedSeconds} s each`,
  "steps of the ramp": `${usualPace.rampSeconds} s each`,
};

export function planCompare(
  contenders: readonly Contender[],
  rounds: number,
  sharedWorld: () => Promise<World>,
): readonly PlannedUnit[] {
  return Array.from({ length: rounds }, (_, round) =>
    contenders.map((contender): PlannedUnit => {
      const name = `compare-${round + 1}-${contender.id}`;
      return {
        name,
        section: "compare",
        contender,
        seconds: 75,
        run: async (context) => takeTurn(name, contender, await sharedWorld(), context),
      };
    }),
  ).flat();
}

async function takeTurn(
  name: string,
  contender: Contender,
  world: World,
  { folder, isSmoke, log }: UnitContext,
): Promise<UnitResult> {
  const pace = isSmoke ? smokePace : usualPace;
  const { brokers, topics } = world;
  // What earlier turns left is nothing that this one has to read.
  await world.emptyTopics();
  const running = await contender.start({ brokers, topics, folder, onLine: log });
  try {
    const loader = loaderOf(name, contender, running, world, log);
    await loader.warmUp(pace.warmUp);
    const remarks = (await calmDown(loader)) ? [] : [`not all right ${patience} after the warm-up`];
    const fixed = await loader.load("rate-100", { perSecond: 100, seconds: pace.fixedSeconds });
    const { knee, measurements, remarks: ofRamp } = await ramp(loader, pace);
    log(`knee ${knee}/s`);
    const half = { perSecond: Math.round(knee / 2), seconds: pace.fixedSeconds };
    const atHalf = knee === 0 ? [] : [await loader.load("half-knee", half)];
    return {
      measurements: [fixed, ...measurements, ...atHalf],
      figures: [],
      remarks: [...remarks, ...ofRamp],
    };
  } finally {
    await running.stop();
  }
}

interface Ramp {
  readonly knee: number;
  readonly measurements: readonly Measurement[];
  readonly remarks: readonly string[];
}

async function ramp(loader: Loader, { rampSeconds, rampSteps }: Pace): Promise<Ramp> {
  const steps: Step[] = [];
  const measurements: Measurement[] = [];
  const remarks: string[] = [];
  for (;;) {
    const next = nextStep(steps);
    if ("knee" in next) return { knee: next.knee, measurements, remarks };
    if (steps.length === rampSteps) {
      remarks.push(`the ramp was ended after ${rampSteps} steps`);
      return { knee: kneeOf(steps), measurements, remarks };
    }
    const { perSecond, isRepeat } = next;
    const measured = await loader.load(`ramp-${perSecond}${isRepeat ? "-again" : ""}`, {
      perSecond,
      seconds: rampSeconds,
    });
    measurements.push(measured);
    const step = stepOf(measured);
    steps.push(step);
    if (!step.held && !(await calmDown(loader)))
      remarks.push(`not all right ${patience} after ${perSecond}/s`);
  }
}

/** Whether it was all right again in time: what a step has left behind is not charged to the next one. */
async function calmDown(loader: Loader): Promise<boolean> {
  const until = performance.now() + calm.patienceMs;
  while (performance.now() < until) {
    const { fates } = await loader.load("calm", calm);
    if (Object.keys(fates).every((fate) => fate === "right")) return true;
  }
  return false;
}
