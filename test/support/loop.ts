// Starts the whole loop for a test: a bridge over the embedded log, the gateway in workerd through
// wrangler's harness, the example's model behind the responder kit. Storage is on disk, in folders of the
// harness that go away. What a test does with it is its own business.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createTestHarness, type TestHarness } from "wrangler";
import { openEmbeddedGroups, openEmbeddedLog, produceOnce, startBridge } from "../../bridge/index.ts";
import { nodeFlags } from "../../bridge/node-flags.ts";
import { handlePredict } from "../../examples/predict/handler.ts";
import type { DrainVerdict } from "../../protocol/index.ts";
import {
  createResponder,
  type Handler,
  type Responder,
  type ResponderEvent,
  type ResponderOptions,
} from "../../responder/index.ts";

export const user = "dev";
export const password = "dev";
const root = fileURLToPath(new URL("../..", import.meta.url));
export const topics = new Map([
  ["inference.requests.v1", 3],
  ["inference.replies.v1", 3],
]);
const gatewayName = "hearback-loop";
const consumerName = "hearback-loop-consumer";

/** One deployment, or gateway and consumer apart; `stopped` has a consumer that takes nudges and reads nothing. */
export type Form = "together" | "apart" | "stopped";

export function credentialsFor(url: string) {
  return {
    UPSTASH_KAFKA_REST_URL: url,
    UPSTASH_KAFKA_REST_USERNAME: user,
    UPSTASH_KAFKA_REST_PASSWORD: password,
  };
}

const waiterBinding = { name: "WAITER", class_name: "Waiter" };
const drainBinding = { name: "REPLY_DRAIN", class_name: "ReplyDrain" };

/** Harness options for a form; pass them to `update` to change the deployment under running requests. */
export function workersFor(form: Form, bridgeUrl: string) {
  const shared = {
    compatibility_date: "2026-10-23",
    compatibility_flags: ["enable_request_signal"],
    vars: { ...credentialsFor(bridgeUrl), HEARBACK_OPERATOR_ACCESS: "open" },
  };
  const main = (file: string) => `${root}test/fixtures/loop/${file}`;
  if (form === "together") {
    return [
      {
        config: {
          ...shared,
          name: gatewayName,
          main: main("entry.ts"),
          durable_objects: { bindings: [waiterBinding, drainBinding] },
          migrations: [{ tag: "v1", new_sqlite_classes: ["Waiter", "ReplyDrain"] }],
        },
      },
    ];
  }
  return [
    {
      config: {
        ...shared,
        name: gatewayName,
        main: main("entry.ts"),
        durable_objects: { bindings: [waiterBinding, { ...drainBinding, script_name: consumerName }] },
        migrations: [{ tag: "v1", new_sqlite_classes: ["Waiter"] }],
      },
    },
    {
      config: {
        ...shared,
        name: consumerName,
        main: main(form === "apart" ? "consumer-entry.ts" : "stopped-consumer-entry.ts"),
        durable_objects: { bindings: [{ ...waiterBinding, script_name: gatewayName }, drainBinding] },
        migrations: [{ tag: "v1", new_sqlite_classes: ["ReplyDrain"] }],
      },
    },
  ];
}

export interface TestBridge {
  readonly url: string;
  stop(): Promise<void>;
}

/** A bridge in this process, its log in memory. */
export async function startMemoryBridge(served: ReadonlyMap<string, number> = topics): Promise<TestBridge> {
  const embedded = openEmbeddedLog({ topics: served });
  const bridge = await startBridge({
    host: "127.0.0.1",
    port: 0,
    username: user,
    password,
    log: produceOnce(embedded),
    groups: openEmbeddedGroups({ log: embedded }),
  });
  return { url: bridge.url, stop: () => bridge.close() };
}

export interface BridgeProcess extends TestBridge {
  readonly port: number;
  readonly pid: number;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Where a bridge process keeps its log: in memory, in a folder, or on a cluster. */
export type LogPlace = { readonly state?: string } | { readonly brokers: string };

export interface BridgeProcessOptions {
  /** Told what it complains of. */
  readonly onLine?: (line: string) => void;
  /** What Node is given besides. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The bridge's own command in a process of its own. */
export async function startBridgeProcess(
  port: number,
  place: LogPlace = {},
  { onLine = (line) => console.error(line), flags = [], env = {} }: BridgeProcessOptions = {},
): Promise<BridgeProcess> {
  const child = spawn(
    process.execPath,
    [
      ...nodeFlags,
      ...flags,
      "bridge/main.ts",
      "--port",
      String(port),
      "--user",
      user,
      "--password",
      password,
      ...("brokers" in place
        ? ["--brokers", place.brokers]
        : [
            ...(place.state === undefined ? [] : ["--state", place.state]),
            ...[...topics].flatMap(([topic, partitions]) => ["--topic", `${topic}:${partitions}`]),
          ]),
    ],
    { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  child.once("exit", () => process.off("exit", killWithUs));
  createInterface({ input: child.stderr }).on("line", onLine);
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /http:\/\/[^\s,]+/.exec(line);
      if (found !== null) resolve(found[0]);
    });
    child.once("exit", (code) => reject(new Error(`the bridge ended with ${code}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    stop: () => endProcess(child, "SIGTERM"),
    kill: () => endProcess(child, "SIGKILL"),
  };
}

export function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}

export interface Gateway {
  readonly server: TestHarness;
  readonly url: string;
  stop(): Promise<void>;
}

export async function startGateway(form: Form, bridgeUrl: string): Promise<Gateway> {
  const server = createTestHarness({ workers: workersFor(form, bridgeUrl) });
  const { url } = await server.listen();
  return { server, url: url.origin, stop: () => server.close() };
}

export interface RunningResponder extends Responder {
  /** Stops and waits for what is under way. */
  finish(): Promise<void>;
}

/** The example's model, in this process. */
export function startModel(
  bridgeUrl: string,
  onEvent?: (event: ResponderEvent) => void,
  handler: Handler = handlePredict,
  options: Partial<ResponderOptions> = {},
): RunningResponder {
  const responder = createResponder({
    kafka: { bridge: bridgeUrl, username: user, password },
    topic: "inference.requests.v1",
    replyTopics: ["inference.replies.*", "replies*"],
    handler,
    concurrency: 10_000,
    ...(onEvent === undefined ? {} : { onEvent }),
    ...options,
  });
  const running = responder.run();
  return {
    ...responder,
    finish: () => {
      responder.stop();
      return running;
    },
  };
}

/** A loop over a bridge in memory, all of it undone by `later`. */
export async function startLoop(
  form: Form,
  later: (cleanup: () => unknown) => void,
  { withModel = true }: { readonly withModel?: boolean } = {},
): Promise<{ readonly bridge: TestBridge; readonly gateway: Gateway }> {
  const bridge = await startMemoryBridge();
  later(() => bridge.stop());
  const gateway = await startGateway(form, bridge.url);
  later(() => gateway.stop());
  if (withModel) {
    const model = startModel(bridge.url);
    later(() => model.finish());
  }
  return { bridge, gateway };
}

export interface LoopOnProcess {
  /** The one that runs, or ran last. */
  readonly bridge: BridgeProcess;
  readonly gateway: Gateway;
  readonly model: RunningResponder;
  /** On the same port, over the same log. */
  restartBridge(): Promise<void>;
}

/** The whole loop with the bridge in a process of its own, which can be killed. */
export async function startLoopOnProcess(
  place: LogPlace,
  later: (cleanup: () => unknown) => void,
): Promise<LoopOnProcess> {
  let bridge = await startBridgeProcess(0, place);
  later(() => bridge.stop());
  const gateway = await startGateway("together", bridge.url);
  later(() => gateway.stop());
  const model = startModel(bridge.url, () => {});
  later(() => model.finish());
  return {
    get bridge() {
      return bridge;
    },
    gateway,
    model,
    async restartBridge() {
      bridge = await startBridgeProcess(bridge.port, place);
    },
  };
}

export function postJson(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The ledger as its endpoint shows it. */
export interface LedgerAnswer {
  readonly health: string;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly read: number;
    readonly inFlight: number;
    readonly resets: number;
    readonly verdicts: Readonly<Record<DrainVerdict, number>>;
  }[];
}

export interface LedgerTotals {
  readonly read: number;
  readonly inFlight: number;
  readonly resets: number;
  readonly verdicts: Readonly<Partial<Record<DrainVerdict, number>>>;
  /** Sum of all verdicts; read = settled + inFlight, always. */
  readonly settled: number;
}

export async function ledgerOf(gatewayUrl: string): Promise<LedgerTotals> {
  const response = await fetch(`${gatewayUrl}/_hearback/ledger`);
  const { partitions } = (await response.json()) as LedgerAnswer;
  const verdicts: Partial<Record<DrainVerdict, number>> = {};
  let settled = 0;
  for (const partition of partitions) {
    for (const [verdict, count] of Object.entries(partition.verdicts) as [DrainVerdict, number][]) {
      settled += count;
      if (count > 0) verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
    }
  }
  const sum = (key: "read" | "inFlight" | "resets") =>
    partitions.reduce((total, partition) => total + partition[key], 0);
  return { read: sum("read"), inFlight: sum("inFlight"), resets: sum("resets"), verdicts, settled };
}
