// Two measurements of Hearback in a world of its own: the steps of exchanges at a low rate, and CPU at a higher one.
// They are apart, since what takes profiles takes time, too.

import { readFile } from "node:fs/promises";
import { freePort } from "../../dev/ports.ts";
import { bundledGateway, startHearback, type RunningHearback } from "../contenders/hearback/start.ts";
import { applyLoad } from "../load/open-loop.ts";
import { clock } from "../load/pacer.ts";
import { Work } from "../load/work.ts";
import type { Measurement } from "../raw.ts";
import { watchProcesses } from "../world/process-watch.ts";
import { startWorld, type World } from "../world/index.ts";
import { brokerThreads } from "./broker-threads.ts";
import { beginProfile, inspectorTargets, type CallFrame } from "./inspector.ts";
import { Marks, readMark } from "./marks.ts";
import { nativeShares, type NativeShare } from "./native.ts";
import { partInNode, partOfPath, pathsOfBundle } from "./parts.ts";
import { stacksOf, type Stack } from "./samples.ts";

export interface Place {
  /** Empty, and for this run alone. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface LoadSettings {
  readonly rate: number;
  readonly seconds: number;
}

const root = new URL("../../", import.meta.url);
/** Until compilers and connections have settled. */
const warmUpSeconds = 10;
const timedRun = "timed";

async function underLoad<Result>(
  { folder, say }: Place,
  options: {
    readonly nodeFlags: { readonly bridge: readonly string[]; readonly responder: readonly string[] };
    readonly inspector: boolean;
    readonly onLine?: (line: string) => void;
  },
  measure: (world: World, hearback: RunningHearback) => Promise<Result>,
): Promise<Result> {
  const onLine = options.onLine ?? say;
  const world = await startWorld({ folder, onLine, responder: "none" });
  try {
    await world.startResponder("kit", { flags: options.nodeFlags.responder });
    const hearback = await startHearback({
      storage: "memory",
      surroundings: { brokers: world.brokers, topics: world.topics, folder, onLine },
      bridgeNodeFlags: options.nodeFlags.bridge,
      inspector: options.inspector,
    });
    try {
      return await measure(world, hearback);
    } finally {
      await hearback.stop();
    }
  } finally {
    await world.stop();
  }
}

/** Marks of `load`, `bridge` and `responder`, of exchanges after the warm-up. */
export async function timeSteps(place: Place, { rate, seconds }: LoadSettings): Promise<Marks> {
  const marks = new Marks();
  const probe = ["--import", new URL("probe.ts", import.meta.url).href];
  const onLine = (line: string): void => {
    const mark = readMark(line);
    if (mark === undefined) place.say(line);
    else if (mark.id.startsWith(timedRun)) marks.add(mark.id, `${mark.process}.${mark.step}`, mark.at);
  };
  return underLoad(
    place,
    { nodeFlags: { bridge: probe, responder: probe }, inspector: false, onLine },
    async (_, hearback) => {
      await load(hearback, new Work("warm"), { rate, seconds: warmUpSeconds });
      await load(
        {
          ...hearback,
          async ask(body) {
            const id = /"id":"([^"]+)"/.exec(body.toString())?.[1] ?? "";
            const askedAt = clock();
            const answer = await hearback.ask(body);
            marks.add(id, "load.asked", askedAt);
            marks.add(id, "load.answered", clock());
            return answer;
          },
        },
        new Work(timedRun),
        { rate, seconds },
      );
      return marks;
    },
  );
}

/** Of one process in the course of a load. */
export interface ProcessProfile {
  readonly name: string;
  readonly cpuMs: number;
  /** Its JavaScript, and its collector's work on the main thread; absent where nobody looked inside. */
  readonly stacks?: readonly Stack[];
  /** Of all its CPU; absent where there is no `perf`. */
  readonly native?: readonly NativeShare[];
  /** CPU ms by what its threads are for. */
  readonly threads?: ReadonlyMap<string, number>;
}

export interface CpuProfiles {
  readonly measurement: Measurement;
  readonly processes: readonly ProcessProfile[];
}

export async function profileCpu(place: Place, { rate, seconds }: LoadSettings): Promise<CpuProfiles> {
  const [bridgePort, responderPort] = [await freePort(), await freePort()];
  const inspect = (port: number): readonly string[] => [`--inspect=127.0.0.1:${port}`];
  const pathOf = pathsOfBundle(await readFile(await bundledGateway(), "utf8"));
  const inWorker = ({ url, lineNumber }: CallFrame): string =>
    url.endsWith("worker.js") ? partOfPath(pathOf(lineNumber)) : "workerd's own JavaScript";
  const inNode = (frame: CallFrame): string => partInNode(frame, root.href);
  return underLoad(
    place,
    { nodeFlags: { bridge: inspect(bridgePort), responder: inspect(responderPort) }, inspector: true },
    async (world, hearback) => {
      const [workerdPid = 0] = hearback.workerdPids;
      const inspected = [
        {
          name: "workerd",
          partOf: inWorker,
          // Beside the gateway there is the Worker that ticks.
          targets: await inspectorTargets(new URL(hearback.inspectorUrls[0] ?? "").host, (id) =>
            id.startsWith("hearback-"),
          ),
        },
        { name: "bridge", partOf: inNode, targets: await inspectorTargets(`127.0.0.1:${bridgePort}`) },
        { name: "responder", partOf: inNode, targets: await inspectorTargets(`127.0.0.1:${responderPort}`) },
      ];
      const pids = new Map([...hearback.processes, ...world.processes, ["load", process.pid]]);
      await load(hearback, new Work("warm"), { rate, seconds: warmUpSeconds });

      const profiling = await Promise.all(
        inspected.map(async ({ targets }) => Promise.all(targets.map(beginProfile))),
      );
      const brokerPid = pids.get("broker") ?? 0;
      const before = await brokerThreads(brokerPid);
      const native = nativeShares(workerdPid, seconds, place.folder);
      const work = new Work("profile");
      const measurement = await applyLoad({
        name: "profile",
        contender: "hearback-memory",
        perSecond: rate,
        seconds,
        ask: hearback.ask,
        nextQuestion: () => work.question(),
        watch: watchProcesses(pids),
      });
      const after = await brokerThreads(brokerPid);
      const profiles = await Promise.all(
        profiling.map(async (each) => Promise.all(each.map((one) => one.end()))),
      );
      const shares = await native;

      const stacks = new Map(
        inspected.map(({ name, partOf }, at) => [
          name,
          (profiles[at] ?? []).flatMap((profile) => stacksOf(profile, partOf)),
        ]),
      );
      return {
        measurement,
        processes: measurement.processes.map(({ name, cpuSeconds }): ProcessProfile => {
          const found = stacks.get(name);
          return {
            name,
            cpuMs: cpuSeconds * 1_000,
            ...(found === undefined ? {} : { stacks: found }),
            ...(name === "workerd" && shares !== undefined ? { native: shares } : {}),
            ...(name === "broker" && before !== undefined && after !== undefined
              ? { threads: gained(before, after) }
              : {}),
          };
        }),
      };
    },
  );
}

async function load(
  { ask }: Pick<RunningHearback, "ask">,
  work: Work,
  { rate, seconds }: LoadSettings,
): Promise<Measurement> {
  return applyLoad({
    name: "profile",
    contender: "hearback-memory",
    perSecond: rate,
    seconds,
    ask,
    nextQuestion: () => work.question(),
    watch: watchProcesses(new Map()),
  });
}

function gained(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map([...after].map(([kind, ms]) => [kind, ms - (before.get(kind) ?? 0)]));
}
