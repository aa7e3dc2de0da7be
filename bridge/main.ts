#!/usr/bin/env -S node --max-semi-space-size=2
// The command line of the bridge: start, signals, an orderly end. What the options mean is settings.ts, and
// everything that is started is made elsewhere.

import { makeCredential, readPassword } from "./credential-command.ts";
import type { Backend } from "../kafka/log/index.ts";
import { openEmbedded } from "./embedded/index.ts";
import { reportEvent } from "./events.ts";
import { createCredentials, type Credentials } from "./http/credentials.ts";
import { readCredentialsFile } from "./http/credentials-file.ts";
import { createMetrics, type BridgeMetrics } from "./http/metrics.ts";
import { startBridge } from "./http/server.ts";
import { openKafka, readKafkaConnection } from "../kafka/native/index.ts";
import { produceOnce } from "./produce-once.ts";
import { readSettings, usage, type CredentialSettings, type ServeSettings } from "./settings.ts";

async function serve(settings: ServeSettings): Promise<void> {
  const { host, port, state, full, credentialsFile, metricsToken, limits } = settings;
  const stored = credentialsFile === undefined ? [] : readCredentialsFile(credentialsFile);
  const credentials = createCredentials({ ...(full === undefined ? {} : { full }), stored });
  const metrics = createMetrics({ ofProcess: true });
  const backend = openBackend(settings, metrics);
  const bridge = await startBridge({
    host,
    port,
    credentials,
    metrics,
    log: produceOnce(backend.log),
    groups: backend.groups,
    ...limits,
    ...(metricsToken === undefined ? {} : { metricsToken }),
    ...(settings.accessLog ? { onAnswer: (answered) => reportEvent("answered", { ...answered }) } : {}),
  });
  const where = settings.brokers ?? (state === undefined ? "in memory" : `in ${state}`);
  console.log(`hearback-bridge listens on ${bridge.url}, log ${where}`);
  endOnSignals(async () => {
    await bridge.close();
    await backend.close();
  });
  if (credentialsFile !== undefined) {
    process.on("SIGHUP", () => readAgain(credentialsFile, credentials));
  }
}

/** The log and the groups that the settings ask for, with their figures. */
function openBackend(
  { brokers, createTopics, state, topics }: ServeSettings,
  metrics: BridgeMetrics,
): Backend {
  if (brokers === undefined) return openEmbedded({ topics, ...(state === undefined ? {} : { state }) });
  const kafka = openKafka({
    clientName: "hearback-bridge",
    ...readKafkaConnection(brokers, process.env),
    createTopics,
    onEvent: (text) => reportEvent("kafka", { text }),
  });
  const { tail } = kafka.log;
  metrics.gauge("hearback_bridge_kafka_up", "1 while the cluster answers.", () =>
    kafka.log.trouble() === undefined ? 1 : 0,
  );
  metrics.gauge("hearback_bridge_kafka_followed_partitions", "Read to their ends.", () => tail.followed);
  metrics.gauge("hearback_bridge_kafka_ring_bytes", "Newest records, kept for readers.", () => tail.bytes);
  metrics.gauge("hearback_bridge_kafka_queued_bytes", "Wait to be appended.", () => kafka.log.queuedBytes);
  return kafka;
}

/** The first signal ends in order, the second at once. */
function endOnSignals(end: () => Promise<void>): void {
  let ending = false;
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.on(signal, () => {
      if (ending) process.exit(128 + number);
      ending = true;
      end().catch(fail);
    });
  }
}

/** A broken file changes nothing. */
function readAgain(file: string, credentials: Credentials): void {
  try {
    const stored = readCredentialsFile(file);
    credentials.replace(stored);
    reportEvent("credentials read", { count: stored.length });
  } catch (cause) {
    reportEvent("credentials kept", { error: cause instanceof Error ? cause.message : String(cause) });
  }
}

/** The entry on standard output, so that it can be piped; a password that was made here beside it. */
async function printCredential(settings: CredentialSettings): Promise<void> {
  const { entry, generated } = await makeCredential(settings, await readPassword(process.stdin));
  console.log(JSON.stringify(entry, undefined, 2));
  if (generated !== undefined) console.error(`password, shown this once: ${generated}`);
}

/** One line and exit code 1: whoever starts the bridge can do something about all of these. */
function fail(cause: unknown): void {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint = code === "EADDRINUSE" ? " (another process listens there: choose another --port)" : "";
  console.error(`hearback-bridge: ${message}${hint}`);
  process.exitCode = 1;
}

try {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings.command === "help") console.log(usage);
  else if (settings.command === "credential") await printCredential(settings);
  else await serve(settings);
} catch (cause) {
  fail(cause);
}
