// Bodies of three sizes, echoed: latency at a rate that bothers nobody, and bytes a second.

import { fileURLToPath } from "node:url";
import { startChild } from "../../contenders/support/child-process.ts";
import { decodeHistogram, percentileMs } from "../../load/histogram.ts";
import { applyLoad } from "../../load/open-loop.ts";
import type { Question } from "../../load/work.ts";
import type { Figure, Measurement } from "../../raw.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { endsOf, figuresOf } from "./figures.ts";
import { onStage, patientService, type Stage } from "./stage.ts";

export interface BodyLoad {
  readonly bytes: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const echo = fileURLToPath(new URL("../../echo/kit.ts", import.meta.url));
const warmUpSeconds = 2;

export async function measureBodies(loads: readonly BodyLoad[], context: UnitContext): Promise<UnitResult> {
  return onStage(
    context,
    { storage: "memory", responder: "none", options: (topics) => patientService(topics) },
    async (stage) => {
      const { brokers, topics } = stage.world;
      const responder = await startChild({
        name: "echo",
        command: process.execPath,
        args: [echo, brokers, topics.requests, topics.replies],
        ready: async () => (await stage.caller.ask(Buffer.from('"ready?"'))).status === 200,
        onLine: (line) => context.log(`echo: ${line}`),
      });
      try {
        const measurements: Measurement[] = [];
        const figures: Figure[] = [];
        for (const load of loads) {
          await apply(stage, { ...load, seconds: Math.min(load.seconds, warmUpSeconds) });
          const measured = await apply(stage, load);
          measurements.push(measured);
          figures.push(...figuresOfLoad(load, measured));
        }
        return { measurements, figures, remarks: [] };
      } finally {
        await responder.stop();
      }
    },
  );
}

function apply(
  { caller, gateway, all }: Stage,
  { bytes, perSecond, seconds }: BodyLoad,
): Promise<Measurement> {
  let asked = 0;
  return applyLoad({
    name: `body-${bytes}`,
    contender: "hearback-memory",
    perSecond,
    seconds,
    ask: caller.ask,
    nextQuestion: () => bodyOf(bytes, asked++),
    watch: all,
    ledger: gateway.ledger,
  });
}

/** No two are the same, and no reply fits another one. */
function bodyOf(bytes: number, n: number): Question {
  const head = `{"n":${n},"filler":"`;
  const tail = '"}';
  const text = head + "x".repeat(bytes - head.length - tail.length) + tail;
  return { body: Buffer.from(text), isRight: (answer) => answer === text };
}

function figuresOfLoad({ bytes }: BodyLoad, { latency, fates, elapsedSeconds }: Measurement): Figure[] {
  const figure = figuresOf(`body-${bytes}`);
  const times = decodeHistogram(latency);
  const right = fates["right"] ?? 0;
  return [
    figure("p50-ms", `p50 of ${bytes} bytes there and back`, percentileMs(times, 50), "ms"),
    figure("p99-ms", "p99", percentileMs(times, 99), "ms"),
    figure("mb-per-second", "bodies, one way", (right * bytes) / 1e6 / elapsedSeconds, "MB/s"),
    figure("other-ends", "ended in another way than right", endsOf(fates) - right),
  ];
}
