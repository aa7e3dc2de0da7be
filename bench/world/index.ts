// What surrounds every contender: one real broker with the two topics, and one responder at a time. Nothing here
// belongs to any of them.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { claimFolder } from "../../dev/kafka/data-folder.ts";
import { startKafka } from "../../dev/kafka/index.ts";
import type { BenchTopics } from "../contenders/contender.ts";
import { startChild, type RunningChild } from "../contenders/support/child-process.ts";
import { readyLine } from "../responder/command.ts";
import { openGroupView } from "./group-view.ts";

/** `bare`: the native client and nothing around it. `kit`: the same work behind our responder kit. */
export type ResponderKind = "bare" | "kit";

export interface ResponderStart {
  /** Leaves unanswered what was asked before it starts. Without it, it begins where the one before left off. */
  readonly skipsBacklog?: boolean;
  /** What Node is given besides, as `--cpu-prof`. */
  readonly flags?: readonly string[];
}

export interface World {
  /** Bootstrap servers. */
  readonly brokers: string;
  readonly topics: BenchTopics;
  /** `broker` and, while one runs, `responder`. */
  readonly processes: ReadonlyMap<string, number>;
  /** Resolves when it is the only member of its group and reads. Rejects when one runs already. */
  startResponder(kind: ResponderKind, start?: ResponderStart): Promise<void>;
  /** SIGTERM, and waits; a no-op when none runs. */
  stopResponder(): Promise<void>;
  /** Requests in the topic that the responder has not committed; it commits what it has read 5 times a second. */
  backlog(): Promise<number>;
  /**
   * Deletes what is in the topics, so that a contender that starts finds nothing of the one before, and the disk does
   * not fill. To be called while nothing is under way: what the responder has not read is lost.
   */
  emptyTopics(): Promise<void>;
  /** Ends all and removes the broker's data. */
  stop(): Promise<void>;
}

export interface WorldOptions {
  /** The broker's data is below it; a broker that an earlier run left there is ended. */
  readonly folder: string;
  /** Told what its processes complain of. */
  readonly onLine: (line: string) => void;
  readonly topics?: BenchTopics;
  /** @default "bare" */
  readonly responder?: ResponderKind | "none";
}

/** NestJS names the reply topic so, and nobody else minds. */
export const defaultTopics: BenchTopics = {
  requests: "bench.predict",
  replies: "bench.predict.reply",
  partitions: 3,
};

/** Those of Kafka's own start scripts: what a broker runs with where nobody chose. */
const jvm = [
  "-Xms1g",
  "-Xmx1g",
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
];
const group = "bench.responders";
const commands: Readonly<Record<ResponderKind, string>> = { bare: "main.ts", kit: "kit.ts" };

export async function startWorld({
  folder,
  onLine,
  topics = defaultTopics,
  responder: wanted = "bare",
}: WorldOptions): Promise<World> {
  const data = join(folder, "kafka");
  await claimFolder(data, onLine);
  await rm(data, { recursive: true, force: true });
  const broker = await startKafka({ data, jvm, log: (line) => onLine(`broker: ${line}`) });
  const view = openGroupView({ brokers: broker.bootstrap, group, topic: topics.requests });
  const processes = new Map([["broker", broker.pid]]);
  let responder: RunningChild | undefined;

  async function startResponder(
    kind: ResponderKind,
    { skipsBacklog = false, flags = [] }: ResponderStart = {},
  ): Promise<void> {
    if (responder !== undefined) throw new Error("a responder runs already");
    if (skipsBacklog) await view.skipAll();
    const file = fileURLToPath(new URL(`../responder/${commands[kind]}`, import.meta.url));
    responder = await startChild({
      name: "responder",
      command: process.execPath,
      args: [...flags, file, broker.bootstrap, topics.requests, topics.replies, group],
      ready: new RegExp(`^${readyLine}$`),
      onLine: (line) => onLine(`responder: ${line}`),
    });
    processes.set("responder", responder.pid);
    await view.settled();
  }

  async function stopResponder(): Promise<void> {
    const running = responder;
    responder = undefined;
    processes.delete("responder");
    await running?.stop();
  }

  async function stop(): Promise<void> {
    await stopResponder();
    await view.close();
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }

  try {
    await view.createTopics([topics.requests, topics.replies], topics.partitions);
    if (wanted !== "none") await startResponder(wanted);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    brokers: broker.bootstrap,
    topics,
    processes,
    startResponder,
    stopResponder,
    backlog: () => view.backlog(),
    emptyTopics: () => view.empty([topics.requests, topics.replies]),
    stop,
  };
}
