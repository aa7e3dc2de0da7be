// Hearback as a contender: the bridge's own command, and one or more gateways in processes of their own. Which options
// the gateways have is for whoever starts them to say.

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFlags } from "../../../bridge/node-flags.ts";
import { freePort } from "../../../dev/ports.ts";
import { bundleWorker } from "../../../dev/worker-bundle.ts";
import type { GatewayOptions } from "../../../worker/config.ts";
import { httpCaller } from "../../load/http-caller.ts";
import type { Ledger, RunningContender, Surroundings } from "../contender.ts";
import { startChild, type RunningChild } from "../support/child-process.ts";
import { sumOfLedgers, type LedgerAnswer } from "./ledger.ts";
import { withOwnPartitions } from "./partitions.ts";
import { startRuntime } from "./runtime.ts";

export interface HearbackOptions {
  /**
   * Of the waiters; the drain's one row is always on disk. In memory an object that is idle for 10 s is gone with its
   * rows and its alarm: for plain waits of less than 10 s.
   */
  readonly storage: "memory" | "disk";
  readonly surroundings: Surroundings;
  /** Instead of those that the bench has. Services that name no reply partitions share all of the topic. */
  readonly options?: Partial<GatewayOptions>;
  /** For the bridge's command, as `--max-waiting`. */
  readonly bridgeFlags?: readonly string[];
  /** What Node is given besides to run the bridge, as `--cpu-prof`. */
  readonly bridgeNodeFlags?: readonly string[];
  /**
   * How many gateways over the one bridge, each with reply partitions of its own.
   * @default 1
   */
  readonly runtimes?: number;
  /**
   * Waiters in memory are not evicted when they are idle, for waits of 10 s and more; then nothing hibernates, and nothing
   * is forgotten.
   * @default false
   */
  readonly keepsWaiters?: boolean;
  /** Whether workerd has an inspector, which profilers use. */
  readonly inspector?: boolean;
}

export interface RunningHearback extends RunningContender {
  /** Of the first gateway. */
  readonly url: string;
  /** Of all of them; `ask` asks one after the other. */
  readonly urls: readonly string[];
  readonly bridgeUrl: string;
  readonly workerdPids: readonly number[];
  /** Of each gateway, where there are inspectors. */
  readonly inspectorUrls: readonly string[];
  readonly ledger: () => Promise<Ledger>;
  /** What cron does every minute, in all gateways at once. */
  tick(): Promise<void>;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bridgeAccess = { user: "bench", password: "bench" };

/** What a user has who sets nothing: capacity and breaker too, without which an overload would end in descriptors. */
function benchOptions({ requests, replies }: Surroundings["topics"]): GatewayOptions {
  return {
    workersPlan: "paid",
    services: {
      predict: {
        route: "POST /predict",
        requestTopic: requests,
        replyTopic: replies,
        timeoutMs: 10_000,
      },
    },
  };
}

/** Resolves when bridge and gateways answer; no request has been made by then. */
export async function startHearback(options: HearbackOptions): Promise<RunningHearback> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of undo.splice(0).toReversed()) await each();
  };
  try {
    return { ...(await start(options, (cleanup) => undo.push(cleanup))), stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function start(
  {
    storage,
    surroundings,
    options = {},
    bridgeFlags = [],
    bridgeNodeFlags = [],
    runtimes = 1,
    keepsWaiters = false,
    inspector = false,
  }: HearbackOptions,
  later: (cleanup: () => Promise<unknown>) => void,
): Promise<Omit<RunningHearback, "stop">> {
  const { brokers, topics, folder, onLine } = surroundings;
  const bridge = await startBridge({ brokers, flags: bridgeFlags, nodeFlags: bridgeNodeFlags, onLine });
  later(() => bridge.child.stop());
  const script = await bundledGateway();
  const declared = { ...benchOptions(topics), ...options };

  const suffix = (index: number): string => (runtimes === 1 ? "" : `-${index}`);
  const startGateway = async (index: number) => {
    const share = { index, count: runtimes, partitions: topics.partitions };
    const objects = join(folder, `objects-${index}`);
    await mkdir(objects, { recursive: true });
    const gateway = await startRuntime({
      // Another one each time: replies that an earlier one left in the topic are nobody's, and wake no object.
      name: `hearback-${randomBytes(4).toString("hex")}${suffix(index)}`,
      script,
      variables: {
        UPSTASH_KAFKA_REST_URL: bridge.url,
        UPSTASH_KAFKA_REST_USERNAME: bridgeAccess.user,
        UPSTASH_KAFKA_REST_PASSWORD: bridgeAccess.password,
        HEARBACK_OPERATOR_ACCESS: "open",
        GATEWAY_OPTIONS: JSON.stringify(withOwnPartitions(declared, share)),
      },
      waiters: storage,
      keepsWaiters,
      folder: objects,
      hasInspector: inspector,
      onLine,
    });
    later(() => gateway.stop());
    return gateway;
  };
  // All are started, and so stopped, also when one of them fails.
  const started = await Promise.allSettled(
    Array.from({ length: runtimes }, (_, index) => startGateway(index)),
  );
  const gateways = started.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
  const urls = gateways.map(({ url }) => url);
  await Promise.all(urls.map(checkReady));

  const callers = urls.map((url) => httpCaller(url));
  later(() => Promise.all(callers.map((caller) => caller.close())));
  const [first] = callers;
  if (first === undefined) throw new RangeError("no gateway was to be started");
  let turn = 0;
  return {
    ask: (body) => (callers[turn++ % callers.length] ?? first).ask(body),
    processes: new Map([
      ["bridge", bridge.child.pid],
      ...gateways.map(({ child }, index): [string, number] => [`workerd${suffix(index)}`, child.pid]),
    ]),
    url: urls[0] ?? "",
    urls,
    bridgeUrl: bridge.url,
    workerdPids: gateways.map(({ child }) => child.pid),
    inspectorUrls: gateways.flatMap(({ inspectorUrl }) => inspectorUrl ?? []),
    ledger: async () => sumOfLedgers(await Promise.all(urls.map((url) => ledgerOf(url)))),
    async tick() {
      await Promise.all(gateways.map((gateway) => gateway.tick()));
    },
  };
}

async function startBridge({
  brokers,
  flags,
  nodeFlags: more,
  onLine,
}: {
  readonly brokers: string;
  readonly flags: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly onLine: (line: string) => void;
}): Promise<{ readonly url: string; readonly child: RunningChild }> {
  const port = await freePort();
  const { user, password } = bridgeAccess;
  const access = ["--user", user, "--password", password];
  const child = await startChild({
    name: "bridge",
    command: process.execPath,
    args: [
      ...nodeFlags,
      ...more,
      "bridge/main.ts",
      "--port",
      `${port}`,
      "--brokers",
      brokers,
      ...access,
      ...flags,
    ],
    cwd: root,
    ready: /^hearback-bridge listens on /,
    onLine: (line) => onLine(`bridge: ${line}`),
  });
  return { url: `http://127.0.0.1:${port}`, child };
}

/** Rejects when bridge or drain are out of reach of the gateway. */
async function checkReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`);
  if (!response.ok) throw new Error(`the gateway is not ready: ${await response.text()}`);
}

async function ledgerOf(url: string): Promise<LedgerAnswer> {
  const response = await fetch(`${url}/_hearback/ledger`);
  if (!response.ok) throw new Error(`the ledger was answered with ${response.status}`);
  return (await response.json()) as LedgerAnswer;
}

let bundle: Promise<string> | undefined;

/** File of the Worker as it is now; made once, since it takes seconds, and gone with this process. */
export function bundledGateway(): Promise<string> {
  bundle ??= makeBundle();
  return bundle;
}

async function makeBundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-bench-"));
  try {
    const text = await bundleWorker({ entry: "bench/contenders/hearback/worker/entry.ts", folder });
    const kept = await mkdtemp(join(tmpdir(), "hearback-bench-worker-"));
    process.once("exit", () => rmSync(kept, { recursive: true, force: true }));
    const file = join(kept, "worker.js");
    await writeFile(file, text);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
