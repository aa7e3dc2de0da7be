// The loop of a chaos run: Kafka, bridge, gateway in workerd and two responders, each a process that can be killed and
// stopped. Everything they keep is in folders that go away. What happens to them is faults.ts.

import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startKafka, type KafkaBroker } from "../../dev/kafka/index.ts";
import { answers } from "../../dev/ready.ts";
import { basic } from "../support/bridge.ts";
import { credentialsFor, password, startBridgeProcess, user, type BridgeProcess } from "../support/loop.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import { startResponderProcess, type ResponderProcess } from "../support/responder-process.ts";
import { startRestartableGateway, type RestartableGateway } from "../support/restartable-gateway.ts";
import {
  apiKeysSecret,
  principals,
  replyPartitions,
  replyTopic,
  requestPartitions,
  requestTopic,
  timesVariable,
  type Principal,
  type Times,
} from "./gateway/services.ts";
import type { Target } from "./journal.ts";

/** What a fault does to one part of the loop. */
export interface Victim {
  /** Whether somebody starts it as soon as it is gone, however long it was to be away. */
  readonly restartsItself?: boolean;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** After a kill; resolves when it is there again. */
  start(): Promise<void>;
  freeze(): void;
  resume(): void;
}

export interface World {
  readonly brokers: string;
  readonly gateway: RestartableGateway;
  readonly apiKeys: Readonly<Record<Principal, string>>;
  /** There is more than one responder. */
  readonly victims: Readonly<Record<Target, readonly Victim[]>>;
  /** By name: the process ID of what runs at that moment. It may throw while nothing does. */
  readonly processes: Readonly<Record<string, () => number>>;
}

export interface WorldOptions {
  /** File of the gateway's entry, from the root. */
  readonly entry: string;
  readonly times: Times;
  /** Where what the processes print is kept. */
  readonly folder: string;
}

type Later = (cleanup: () => unknown) => void;

const readyTimeoutMs = 60_000;
const readyPollMs = 100;

/** All of it is undone by `later`. */
export async function startWorld({ entry, times, folder }: WorldOptions, later: Later): Promise<World> {
  const broker = await startBroker(folder, later);
  await createTopics(
    broker.bootstrap,
    new Map([
      [requestTopic, requestPartitions],
      [replyTopic, replyPartitions],
    ]),
  );
  const bridge = await startBridge(broker.bootstrap, folder, later);
  const responders = [1, 2].map((number) =>
    startResponder(broker.bootstrap, `responder-${number}`, folder, later),
  );
  const apiKeys = newApiKeys();
  const gateway = await startRestartableGateway(
    {
      entry,
      name: "hearback-chaos",
      variables: {
        ...credentialsFor(bridge.current.url),
        HEARBACK_OPERATOR_ACCESS: "open",
        [apiKeysSecret]: JSON.stringify(principals.map((name) => keyEntry(name, apiKeys[name]))),
        [timesVariable]: JSON.stringify(times),
      },
    },
    later,
  );
  await become(`${gateway.url}/readyz answers`, () => answers(`${gateway.url}/readyz`));
  await become("both responders are there", async () => (await membersAt(bridge.current.url)) === 2);
  return {
    brokers: broker.bootstrap,
    gateway,
    apiKeys,
    victims: {
      broker: [brokerVictim(broker)],
      bridge: [bridge],
      runtime: [runtimeVictim(gateway)],
      responder: responders,
    },
    processes: {
      workerd: () => gateway.pid(),
      bridge: () => bridge.current.pid,
      ...Object.fromEntries(responders.map((one, at) => [`responder-${at + 1}`, () => one.current.pid])),
      broker: () => broker.pid,
      harness: () => process.pid,
    },
  };
}

async function startBroker(folder: string, later: Later): Promise<KafkaBroker> {
  const data = await mkdtemp(join(tmpdir(), "hearback-chaos-kafka-"));
  later(() => rm(data, { recursive: true, force: true }));
  const lines = linesTo(folder, "broker", later);
  const broker = await startKafka({ data, log: lines });
  later(async () => {
    brokerVictim(broker).resume();
    await broker.stop();
  });
  return broker;
}

function brokerVictim(broker: KafkaBroker): Victim {
  return {
    kill: () => broker.kill9(),
    start: () => broker.restart(),
    freeze: () => signal(broker.pid, "SIGSTOP"),
    resume: () => signal(broker.pid, "SIGCONT"),
  };
}

async function startBridge(
  brokers: string,
  folder: string,
  later: Later,
): Promise<Victim & { readonly current: BridgeProcess }> {
  const lines = linesTo(folder, "bridge", later);
  let current = await startBridgeProcess(0, { brokers }, { onLine: lines });
  later(() => current.kill());
  return {
    get current() {
      return current;
    },
    kill: () => current.kill(),
    async start() {
      current = await startBridgeProcess(current.port, { brokers }, { onLine: lines });
    },
    freeze: () => signal(current.pid, "SIGSTOP"),
    resume: () => signal(current.pid, "SIGCONT"),
  };
}

/** Under the name it had, so that it has its partitions back at once. */
function startResponder(
  brokers: string,
  name: string,
  folder: string,
  later: Later,
): Victim & { readonly current: ResponderProcess } {
  const lines = linesTo(folder, name, later);
  const start = () => startResponderProcess("test/chaos/responder.ts", brokers, name);
  let current = start();
  const kill = async (): Promise<void> => {
    await current.kill();
    lines(current.output());
  };
  later(kill);
  return {
    get current() {
      return current;
    },
    kill,
    start() {
      current = start();
      return Promise.resolve();
    },
    freeze: () => current.freeze(),
    resume: () => current.resume(),
  };
}

function runtimeVictim(gateway: RestartableGateway): Victim {
  return {
    restartsItself: true,
    kill: () => gateway.kill(),
    async start() {
      await gateway.restarted();
      await become("the gateway answers again", () => answers(`${gateway.url}/healthz`));
    },
    freeze: () => gateway.freeze(),
    resume: () => gateway.resume(),
  };
}

/** Rejects when it takes too long. */
async function become(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + readyTimeoutMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`in vain, for ${readyTimeoutMs / 1_000} s: ${what}`);
    await sleep(readyPollMs);
  }
}

/** Of the responders' group, as the bridge sees it. */
async function membersAt(bridgeUrl: string): Promise<number> {
  const group = `${bridgeUrl}/hearback/group/${requestTopic}.responders/${requestTopic}?unread-ms=1000`;
  const response = await fetch(group, { headers: { authorization: basic(user, password) } });
  const { members } = (await response.json()) as { readonly members?: number };
  return members ?? 0;
}

/** Of a process that is gone there is nothing to stop or continue. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

function newApiKeys(): Readonly<Record<Principal, string>> {
  const entries = principals.map((name) => [name, `hbk_${randomBytes(32).toString("base64url")}`] as const);
  return Object.fromEntries(entries) as Record<Principal, string>;
}

function keyEntry(principal: Principal, key: string) {
  return { principal, sha256: createHash("sha256").update(key).digest("hex") };
}

function linesTo(folder: string, name: string, later: Later): (line: string) => void {
  const file = createWriteStream(join(folder, `${name}.log`));
  later(() => new Promise((resolve) => file.end(resolve)));
  return (line) => void file.write(`${new Date().toISOString()} ${line}\n`);
}
