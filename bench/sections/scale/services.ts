// One gateway with more and more services, each with topics of its own: what a request takes then, and what the drain
// of so many topics takes while nobody asks.

import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayOptions, ServiceOptions } from "../../../worker/config.ts";
import { startChild, type RunningChild } from "../../contenders/support/child-process.ts";
import { decodeHistogram, percentileMs } from "../../load/histogram.ts";
import { applyLoad } from "../../load/open-loop.ts";
import type { Figure, Measurement } from "../../raw.ts";
import { readyLine } from "../../responder/command.ts";
import { openGroupView } from "../../world/group-view.ts";
import type { World } from "../../world/index.ts";
import type { UnitContext, UnitResult } from "../unit.ts";
import { endsOf, figuresOf } from "./figures.ts";
import { inWorld, withGateway, type Stage } from "./stage.ts";
import { ofGateway, watchQuiet } from "./usage.ts";

export interface ServicesPlan {
  readonly count: number;
  /** All services answer to one topic, and not each to its own. */
  readonly sharesReplies: boolean;
}

export interface ServicesLoad {
  readonly perSecond: number;
  readonly seconds: number;
  readonly quietMs: number;
}

const responder = fileURLToPath(new URL("../../responder/main.ts", import.meta.url));
/** After the last answer the drain is awake for 30 s more. */
const settleMs = 1_000;

export async function measureServices(
  plans: readonly ServicesPlan[],
  load: ServicesLoad,
  context: UnitContext,
): Promise<UnitResult> {
  return inWorld(context, { responder: "none" }, async (world) => {
    const measurements: Measurement[] = [];
    const figures: Figure[] = [];
    for (const plan of plans) {
      const topics = topicsOf(plan);
      const child = await startResponder(world, subjectOf(plan), topics, context);
      try {
        await withGateway(
          context,
          world,
          { storage: "memory", options: () => optionsOf(topics) },
          async (stage) => {
            const [measured, found] = await loadServices(plan, load, stage);
            measurements.push(measured);
            figures.push(...found);
            context.log(found.map(({ id, value, unit }) => `${id} ${value} ${unit}`).join(", "));
          },
        );
      } finally {
        await child.stop();
      }
    }
    return { measurements, figures, remarks: [] };
  });
}

interface ServiceTopics {
  readonly path: string;
  readonly requests: string;
  readonly replies: string;
}

const subjectOf = ({ count, sharesReplies }: ServicesPlan): string =>
  `services-${count}${sharesReplies ? "-shared" : ""}`;

function topicsOf(plan: ServicesPlan): readonly ServiceTopics[] {
  const prefix = `bench.${subjectOf(plan)}`;
  return Array.from({ length: plan.count }, (_, n) => ({
    path: `/predict-${n}`,
    requests: `${prefix}.${n}`,
    replies: plan.sharesReplies ? `${prefix}.replies` : `${prefix}.${n}.replies`,
  }));
}

function optionsOf(topics: readonly ServiceTopics[]): Partial<GatewayOptions> {
  const services = topics.map(({ path, requests, replies }, n): [string, ServiceOptions] => [
    `predict-${n}`,
    { route: `POST ${path}`, requestTopic: requests, replyTopic: replies, replyPartitions: 1 },
  ]);
  return { workersPlan: "paid", services: Object.fromEntries(services) };
}

/** One process for all topics. */
async function startResponder(
  { brokers }: World,
  group: string,
  topics: readonly ServiceTopics[],
  { log }: UnitContext,
): Promise<RunningChild> {
  const requests = topics.map((each) => each.requests);
  const replies = [...new Set(topics.map((each) => each.replies))];
  const view = openGroupView({ brokers, group, topic: requests[0] ?? "" });
  try {
    await view.createTopics([...requests, ...replies], 1);
    const child = await startChild({
      name: "responder",
      command: process.execPath,
      args: [responder, brokers, requests.join(","), replies[0] ?? "", group],
      ready: new RegExp(`^${readyLine}$`),
      onLine: (line) => log(`responder: ${line}`),
    });
    try {
      await view.settled();
      return child;
    } catch (cause) {
      await child.stop();
      throw cause;
    }
  } finally {
    await view.close();
  }
}

async function loadServices(
  plan: ServicesPlan,
  { perSecond, seconds, quietMs }: ServicesLoad,
  { caller, gateway, own, all, work }: Stage,
): Promise<readonly [Measurement, readonly Figure[]]> {
  let turn = 0;
  const ask = (body: Buffer) => caller.send({ path: `/predict-${turn++ % plan.count}`, body });
  const apply = (name: string, forSeconds: number): Promise<Measurement> =>
    applyLoad({
      name,
      contender: "hearback-memory",
      perSecond,
      seconds: forSeconds,
      ask,
      nextQuestion: () => work.question(),
      watch: all,
      ledger: gateway.ledger,
    });
  // Each service is asked before it is measured: its first request has its topics looked up.
  await apply("warm-up", Math.max(seconds / 2, plan.count / perSecond));
  const measured = await apply(subjectOf(plan), seconds);
  await sleep(settleMs);
  const quiet = await watchQuiet(own, quietMs);
  const figure = figuresOf(subjectOf(plan));
  const times = decodeHistogram(measured.latency);
  const { fates } = measured;
  return [
    measured,
    [
      figure("p50-ms", `p50 at ${perSecond}/s over ${subjectOf(plan)}`, percentileMs(times, 50), "ms"),
      figure("p99-ms", "p99", percentileMs(times, 99), "ms"),
      figure(
        "idle-cpu-percent",
        "of one core, workerd and bridge, while nobody asks and the drain is awake",
        ofGateway(quiet.cpuPercent),
        "%",
      ),
      figure("other-ends", "ended in another way than right", endsOf(fates) - (fates["right"] ?? 0)),
    ],
  ];
}
