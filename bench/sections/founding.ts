// The founding document's table: vectors of 128 features at 1,000 requests a second for 5 minutes, through all of the
// loop, answered through the responder kit. Where that rate does not hold, the highest one that does has its 5 minutes too.

import { join } from "node:path";
import type { Contender } from "../contenders/contender.ts";
import { decodeHistogram, percentileMs } from "../load/histogram.ts";
import type { Measurement } from "../raw.ts";
import { foundingDocument } from "../report/targets.ts";
import { startWorld, type World } from "../world/index.ts";
import { loaderOf, type Loader } from "./loader.ts";
import type { PlannedUnit, UnitContext, UnitResult } from "./unit.ts";

const backlogEveryMs = 5_000;
const warmUp = [
  { perSecond: 100, seconds: 3 },
  { perSecond: 500, seconds: 7 },
];
/** Each is tried for so long before it is given its 5 minutes. */
const trySeconds = 20;
const lowerShares = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1] as const;

export function planFounding(contender: Contender): readonly PlannedUnit[] {
  const { perSecond, seconds } = foundingDocument;
  return [
    {
      name: `founding-${perSecond}`,
      section: "founding",
      contender,
      seconds: seconds + 30,
      run: (context) => measureFounding(contender, context),
    },
  ];
}

async function measureFounding(
  contender: Contender,
  { folder, isSmoke, log, kneeOf }: UnitContext,
): Promise<UnitResult> {
  const world = await startWorld({ folder: join(folder, "world"), onLine: log, responder: "kit" });
  try {
    const { brokers, topics } = world;
    const running = await contender.start({
      brokers,
      topics,
      folder: join(folder, "contender"),
      onLine: log,
    });
    try {
      const loader = loaderOf("founding", contender, running, world, log);
      return isSmoke
        ? await smoke(loader, world)
        : await measure(loader, world, kneeOf(contender.id) ?? Infinity);
    } finally {
      await running.stop();
    }
  } finally {
    await world.stop();
  }
}

async function smoke(loader: Loader, world: World): Promise<UnitResult> {
  const whole = await withBacklog(world, () => loader.load("whole", { perSecond: 50, seconds: 2 }));
  return { measurements: [whole.result], figures: whole.figures, remarks: ["small: no figure counts"] };
}

async function measure(loader: Loader, world: World, knee: number): Promise<UnitResult> {
  const { perSecond, seconds } = foundingDocument;
  await loader.warmUp(warmUp);
  const whole = await withBacklog(world, () => loader.load("whole", { perSecond, seconds }));
  if (holds(whole.result)) return { measurements: [whole.result], figures: whole.figures, remarks: [] };
  const held = await highestThatHolds(loader, seconds, knee);
  return {
    measurements: held === undefined ? [whole.result] : [whole.result, held],
    figures: whole.figures,
    remarks: [
      held === undefined
        ? `no share of ${perSecond}/s held`
        : `${perSecond}/s did not hold; the highest share of it that did is ${held.perSecond}/s`,
    ],
  };
}

/** Above the knee, where seconds do not hold, 5 minutes need not be tried. */
async function highestThatHolds(
  loader: Loader,
  seconds: number,
  knee: number,
): Promise<Measurement | undefined> {
  const rates = lowerShares.map((share) => Math.round(foundingDocument.perSecond * share));
  for (const perSecond of rates.filter((rate) => rate <= knee)) {
    const tried = await loader.load(`try-${perSecond}`, { perSecond, seconds: trySeconds });
    if (!holds(tried)) continue;
    const held = await loader.load(`held-${perSecond}`, { perSecond, seconds });
    if (holds(held)) return held;
  }
  return undefined;
}

/** How far the responder is behind, in the course of it and at its end. */
async function withBacklog<Result>(world: World, doIt: () => Promise<Result>) {
  const backlogs: number[] = [];
  // A look that failed is no number, and neither is the highest of all then.
  const look = (): Promise<number> => world.backlog().catch(() => Number.NaN);
  const looking = setInterval(() => void look().then((backlog) => backlogs.push(backlog)), backlogEveryMs);
  const result = await doIt().finally(() => clearInterval(looking));
  const atEnd = await world.backlog();
  const figures = [
    {
      id: "founding.backlog-max",
      what: "requests that the responder had not yet committed, at most",
      value: Math.max(atEnd, ...backlogs),
      unit: "",
    },
    { id: "founding.backlog-end", what: "the same at the end", value: atEnd, unit: "" },
  ];
  return { result, figures };
}

/** Below every figure of the founding document, with no error at all. */
function holds({ latency, fates }: Measurement): boolean {
  const times = decodeHistogram(latency);
  const { p50, p95, p99 } = foundingDocument;
  return (
    Object.keys(fates).every((fate) => fate === "right") &&
    percentileMs(times, 50) < p50 &&
    percentileMs(times, 95) < p95 &&
    percentileMs(times, 99) < p99
  );
}
