// `npm run sidecar`: the gateway for one service, to run beside it. The bridge in this process, workerd as its
// child, one line when ready, one signal to end it all; exit code 1 is for whoever supervises it.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openEmbedded, produceOnce, startBridge } from "../bridge/index.ts";
import { optionsOrExit } from "../dev/command-line.ts";
import { loadConfig } from "../dev/config-file.ts";
import { isFree } from "../dev/ports.ts";
import { becomesOk } from "../dev/ready.ts";
import { sweepEmptyWaiters } from "../dev/sweep.ts";
import { bundleWorker } from "../dev/worker-bundle.ts";
import { ensureTopics, openCluster, wantedTopics, type WantedTopic } from "../dev/topics/index.ts";
import { startGateway } from "./gateway.ts";
import type { Backend } from "../kafka/log/index.ts";
import { messageOf, openKafka, readKafkaConnection } from "../kafka/native/index.ts";
import { configForSidecar } from "./one-service.ts";
import { parseSidecarOptions, type SidecarOptions } from "./options.ts";
import { variablesOf } from "./variables.ts";

const bridgeHost = "127.0.0.1";
const readyTimeoutMs = 60_000;
const tickEveryMs = 10_000;
/** A gateway that misses this many ticks in a row is not coming back by itself. */
const missedTicks = 3;
/** More restarts of workerd than this within a minute are no accident. */
const restartsPerMinute = 5;
/** What has not ended by then ends with this process: less than supervisors wait before they kill. */
const endTimeoutMs = 8_000;
const sweepEveryMs = 60_000;
/** How long after the longest wait a waiter may still be told something. */
const waiterIdleMs = 60_000;
const root = fileURLToPath(new URL("..", import.meta.url));

const options = optionsOrExit(parseSidecarOptions(process.argv.slice(2), hostname()));
const undo: (() => unknown)[] = [];
const ended = new AbortController();
let ending: Promise<void> | undefined;

/** Undoes everything, last first, whatever fails on the way. */
function end(code: number): Promise<void> {
  return (ending ??= (async () => {
    ended.abort();
    setTimeout(() => process.exit(code), endTimeoutMs);
    for (const step of undo.toReversed()) await Promise.resolve(step()).catch(() => undefined);
    process.exit(code);
  })());
}

for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
  ["SIGHUP", 1],
] as const) {
  process.on(signal, () => {
    // The second one does not wait for an orderly end; workerd goes with this process.
    if (ending !== undefined) process.exit(128 + number);
    void end(0);
  });
}
try {
  await run(options);
} catch (cause) {
  // What fails because it was ended is no news.
  if (ending === undefined) console.error(cause instanceof Error ? cause.message : String(cause));
  await end(1);
}

/** Resolves when ready. Rejects with a sentence for the user. */
async function run({
  service,
  name,
  brokers,
  host,
  port,
  bridgePort,
  ...rest
}: SidecarOptions): Promise<void> {
  const config = configForSidecar(await loadConfig(rest.config), service, name);
  const [own] = config.services;
  if (own === undefined) throw new Error("the config has no service");
  const variables = variablesOf(own, process.env);
  if (!(await isFree(port, host))) {
    throw new Error(`Port ${port} is taken. End what uses it, or choose another one with --port N.`);
  }
  const folder = await stateFolder(rest.state);
  const topics = wantedTopics(config.services);
  if (brokers !== undefined) await prepareTopics(brokers, topics);

  const backend = openBackend(brokers, topics, rest.state === undefined ? undefined : join(folder, "log"));
  undo.push(() => backend.close());
  const credentials = {
    username: process.env["HEARBACK_BRIDGE_USER"] || "dev",
    password:
      process.env["HEARBACK_BRIDGE_PASSWORD"] ||
      // A cluster is worth more than a log of one's own.
      (brokers === undefined ? "dev" : randomBytes(24).toString("base64url")),
  };
  const bridge = await startBridge({
    host: bridgeHost,
    port: bridgePort,
    ...credentials,
    log: produceOnce(backend.log),
    groups: backend.groups,
  });
  undo.push(() => bridge.close());

  const storage = join(folder, "objects");
  await sweepEmptyWaiters(storage);
  let restarts = 0;
  every(60_000, async () => {
    restarts = 0;
  });
  const gateway = await startGateway({
    name: `hearback-${service}-${name}`,
    script: await bundleWorker({
      entry: "sidecar/worker-entry.ts",
      folder: join(folder, "worker"),
      // Bundled in, for a config may have code in it: schemas could not come as a variable.
      aliases: { "hearback-sidecar-config": resolve(root, rest.config) },
      signal: ended.signal,
    }),
    service: own,
    topicSuffix: name,
    variables: {
      ...variables,
      UPSTASH_KAFKA_REST_URL: bridge.url,
      UPSTASH_KAFKA_REST_USERNAME: credentials.username,
      UPSTASH_KAFKA_REST_PASSWORD: credentials.password,
    },
    host,
    port,
    storage: join(storage, "v3"),
    // A stack has several lines; each of them says whose it is.
    print: (lines) => console.log(lines.replaceAll(/^/gm, "gateway  │ ")),
    onRestart: () => {
      console.log("gateway  │ runs again; plain requests that waited are lost");
      if (++restarts > restartsPerMinute) void giveUp("does not stay up");
    },
  });
  undo.push(() => gateway.stop());

  if (!(await becomesOk(`${gateway.url}/readyz`, readyTimeoutMs, () => ending !== undefined))) {
    throw new Error(`Not ready after ${readyTimeoutMs / 1_000} s; the lines above say why.`);
  }
  let missed = 0;
  every(tickEveryMs, async () => {
    missed = await gateway.tick().then(
      () => 0,
      () => missed + 1,
    );
    if (missed === missedTicks) void giveUp("does not answer");
  });
  // Every exchange leaves an empty file on local disk, and a sidecar is there to stay.
  every(sweepEveryMs, () => sweepEmptyWaiters(storage, own.timeoutMs + waiterIdleMs));
  console.log(
    `ready    │ ${service} on ${gateway.url}, replies on ${own.replyTopic}, bridge on ${bridge.url}, log ${brokers ?? "embedded"}`,
  );
}

function giveUp(why: string): Promise<void> {
  console.error(`The gateway ${why}; the lines above say more. Ending everything.`);
  return end(1);
}

/** Not while the last one goes on. A turn that fails is left to the next one. */
function every(ms: number, turn: () => Promise<unknown>): void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    void turn()
      .catch(() => undefined)
      .finally(() => {
        running = false;
      });
  }, ms);
  undo.push(() => clearInterval(timer));
}

async function stateFolder(state: string | undefined): Promise<string> {
  if (state !== undefined) return resolve(root, state);
  const folder = await mkdtemp(join(tmpdir(), "hearback-sidecar-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Before anything that uses them. Rejects when the cluster does not answer; who supervises us tries again. */
async function prepareTopics(brokers: string, topics: readonly WantedTopic[]): Promise<void> {
  const cluster = openCluster(readKafkaConnection(brokers, process.env));
  try {
    const { done, findings } = await ensureTopics(cluster, topics);
    for (const line of done) console.log(`topics   │ ${line}`);
    for (const { kind, topic, text } of findings) console.log(`topics   │ ${kind}: ${topic} ${text}`);
  } catch (cause) {
    throw new Error(`Kafka at ${brokers}: ${messageOf(cause)}`, { cause });
  } finally {
    await cluster.close().catch(() => undefined);
  }
}

function openBackend(
  brokers: string | undefined,
  topics: readonly WantedTopic[],
  state: string | undefined,
): Backend {
  if (brokers === undefined) {
    const partitions = new Map(topics.map((topic) => [topic.name, topic.partitions]));
    return openEmbedded({ topics: partitions, ...(state === undefined ? {} : { state }) });
  }
  return openKafka({
    ...readKafkaConnection(brokers, process.env),
    onEvent: (text) => console.log(`kafka    │ ${text}`),
  });
}
