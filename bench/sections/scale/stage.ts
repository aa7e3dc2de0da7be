// What a unit of this section stands on: a broker of its own, a responder, Hearback with the options that the unit needs.
// What is done there is the unit's business.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startHearback, type RunningHearback } from "../../contenders/hearback/index.ts";
import type { BenchTopics } from "../../contenders/contender.ts";
import { httpCaller, type HttpCaller } from "../../load/http-caller.ts";
import { Work } from "../../load/work.ts";
import type { GatewayOptions, ServiceOptions } from "../../../worker/config.ts";
import { watchProcesses, type ProcessWatch } from "../../world/process-watch.ts";
import { defaultTopics, startWorld, type World } from "../../world/index.ts";
import type { UnitContext } from "../unit.ts";

export interface StagePlan {
  readonly storage: "memory" | "disk";
  readonly options: (topics: BenchTopics) => Partial<GatewayOptions>;
  readonly topics?: BenchTopics;
  readonly runtimes?: number;
  /** Waits of 10 s and more, in memory. */
  readonly keepsWaiters?: boolean;
  /** @default "bare" */
  readonly responder?: "bare" | "none";
}

export interface Stage {
  readonly world: World;
  readonly gateway: RunningHearback;
  /** One for each gateway, from several addresses of this machine. */
  readonly callers: readonly HttpCaller[];
  /** Of the first gateway. */
  readonly caller: HttpCaller;
  readonly work: Work;
  /** Of Hearback's own processes: bridge, workerd, and the Node process that started it. */
  readonly own: ProcessWatch;
  /** Of all that runs. */
  readonly all: ProcessWatch;
}

/** Each has some 28,000 ports, of which closed connections keep theirs for a minute. */
const localAddresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];

/** All of it is gone when `measure` has ended, however it did. */
export function onStage<Result>(
  context: UnitContext,
  plan: StagePlan,
  measure: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  return inWorld(context, plan, (world) => withGateway(context, world, plan, measure));
}

/** A broker, and a responder if there is to be one. */
export async function inWorld<Result>(
  { folder, log }: UnitContext,
  { topics = defaultTopics, responder = "bare" }: Pick<StagePlan, "topics" | "responder">,
  measure: (world: World) => Promise<Result>,
): Promise<Result> {
  const world = await startWorld({ folder: join(folder, "world"), onLine: log, topics, responder });
  try {
    return await measure(world);
  } finally {
    await world.stop();
  }
}

export async function withGateway<Result>(
  { folder, log }: UnitContext,
  world: World,
  { storage, options, runtimes = 1, keepsWaiters = false }: Omit<StagePlan, "topics" | "responder">,
  measure: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const { brokers, topics } = world;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const objects = await objectsFolder(folder);
    undo.push(() => rm(objects, { recursive: true, force: true }));
    const gateway = await startHearback({
      storage,
      surroundings: { brokers, topics, folder: objects, onLine: log },
      options: options(topics),
      runtimes,
      keepsWaiters,
    });
    undo.push(() => gateway.stop());
    const callers = gateway.urls.map((url) => httpCaller(url, { localAddresses }));
    undo.push(() => Promise.all(callers.map((caller) => caller.close())));
    const [caller] = callers;
    if (caller === undefined) throw new Error("there is no gateway to ask");
    return await measure({
      world,
      gateway,
      callers,
      caller,
      work: new Work(`scale-${process.pid}`),
      own: watchProcesses(gateway.processes),
      all: watchProcesses(new Map([...gateway.processes, ...world.processes, ["load", process.pid]])),
    });
  } finally {
    for (const each of undo.toReversed()) await each();
  }
}

/** On tmpfs where there is one: a disk that takes 300 new files a second would be what is measured. */
async function objectsFolder(otherwise: string): Promise<string> {
  if (existsSync("/dev/shm")) return mkdtemp("/dev/shm/hearback-bench-");
  const folder = join(otherwise, "objects");
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Nobody is refused for want of places, nor because the service does not answer: it is meant not to. */
export function patientService(
  { requests, replies }: BenchTopics,
  more: Partial<ServiceOptions> = {},
): Partial<GatewayOptions> {
  return {
    workersPlan: "paid",
    services: {
      predict: {
        route: "POST /predict",
        requestTopic: requests,
        replyTopic: replies,
        capacity: 100_000,
        breaker: false,
        ...more,
      },
    },
  };
}

/** Exchanges that are answered, so many at once: compilers, pools and heaps have then seen the work. */
export async function warmUp({ callers, work }: Stage, count: number, atOnce: number): Promise<void> {
  let left = count;
  const go = async (caller: HttpCaller): Promise<void> => {
    while (left-- > 0) {
      const question = work.question();
      const answer = await caller.send({ body: question.body });
      if (answer.status !== 200 || !question.isRight(answer.body))
        throw new Error(`a request to warm up was answered with ${answer.status} ${answer.body}`);
    }
  };
  await Promise.all(callers.flatMap((caller) => Array.from({ length: atOnce }, () => go(caller))));
}

/** Requests that are under way, as the gateways count them. */
export async function underWay({ gateway }: Pick<Stage, "gateway">): Promise<number> {
  const counts = await Promise.all(gateway.urls.map(underWayAt));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function underWayAt(url: string): Promise<number> {
  const answer = await fetch(`${url}/_hearback/admission`);
  const { services } = (await answer.json()) as {
    readonly services: Readonly<Record<string, { readonly underWay: number }>>;
  };
  return Object.values(services).reduce((sum, each) => sum + each.underWay, 0);
}
