// `npm run dev`: the whole loop on one machine. A bridge with its embedded log or on Kafka, the gateway in
// `wrangler dev`, the examples' responders; one log, one line when ready, one Ctrl-C to end it all.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, readKafkaConnection } from "../kafka/native/index.ts";
import config from "../hearback.config.ts";
import { bridgeProcess, brokerProcess, gatewayProcess, responderProcesses } from "./children.ts";
import { optionsOrExit } from "./command-line.ts";
import { parseDevOptions } from "./options.ts";
import { isFree } from "./ports.ts";
import { Processes } from "./processes.ts";
import { answers, becomesOk } from "./ready.ts";
import { sweepEmptyWaiters } from "./sweep.ts";
import { ensureTopics, openCluster, wantedTopics } from "./topics/index.ts";

const host = "127.0.0.1";
const user = "dev";
const password = "dev";
const tickEveryMs = 10_000;
const readyPollMs = 100;
const readyTimeoutMs = 60_000;
/** The first time, Maven fetches the broker. */
const brokerTimeoutMs = 300_000;
const clusterTimeoutMs = 5_000;
const lookEveryMs = 1_000;
/** Of 3 s each, if nobody takes the call: longer than a new start of wrangler takes. */
const missedLooks = 3;

const startedAt = Date.now();
const root = fileURLToPath(new URL("..", import.meta.url));
const { port, bridgePort, responders, backend, state } = optionsOrExit(
  parseDevOptions(process.argv.slice(2)),
);
for (const [taken, option] of [
  [port, "--port"],
  [bridgePort, "--bridge-port"],
  ...(backend.kind === "kafka" ? [[backend.port, "--kafka-port"] as const] : []),
] as const) {
  if (!(await isFree(taken, host))) {
    console.error(`Port ${taken} is taken. End what uses it, or choose another one with ${option} N.`);
    process.exit(1);
  }
}

const scratch = state === undefined ? await mkdtemp(join(tmpdir(), "hearback-")) : undefined;
const baseFolder = scratch ?? resolve(root, state ?? "");
// Objects remember positions in the topics, so that each backend has objects of its own.
const stateFolder = backend.kind === "embedded" ? baseFolder : join(baseFolder, backend.kind);
const topics = wantedTopics(config.services);
const bridgeUrl = `http://${host}:${bridgePort}`;
const gatewayUrl = `http://localhost:${port}`;
const credentials = {
  UPSTASH_KAFKA_REST_URL: bridgeUrl,
  UPSTASH_KAFKA_REST_USERNAME: user,
  UPSTASH_KAFKA_REST_PASSWORD: password,
};

await sweepEmptyWaiters(join(stateFolder, "wrangler"));

const processes = new Processes();
const ticking = setInterval(() => void tickCron(), tickEveryMs);
let ending: Promise<void> | undefined;
const end = (code: number): Promise<void> =>
  (ending ??= (async () => {
    clearInterval(ticking);
    await processes.end();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    process.exit(code);
  })());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));
const gaveUp = (name: string): void => {
  console.error(`${name} cannot stay up; the lines above say why. Ending everything.`);
  void end(1);
};

const places = { host, port, bridgePort, user, password, stateFolder, keep: scratch === undefined };
if (backend.kind === "kafka") processes.start(brokerProcess({ port: backend.port, stateFolder }), gaveUp);
const brokers = backend.kind === "embedded" ? undefined : addressOf(backend);
if (brokers !== undefined) await prepareTopics(brokers);
// Ended meanwhile: nothing may start any more.
if (ending !== undefined) await ending;
processes.start(bridgeProcess({ ...places, ...(brokers === undefined ? { topics } : { brokers }) }), gaveUp);
processes.start(gatewayProcess({ ...places, credentials }), gaveUp);
// Not before, or the first thing to be seen would be its complaints.
await whenOk(`${bridgeUrl}/healthz`);
if (responders && ending === undefined) {
  const specs = responderProcesses({ port, credentials, ...(brokers === undefined ? {} : { brokers }) });
  for (const each of specs) processes.start(each, gaveUp);
}
// Ready for a first request: the gateway built, Kafka REST answering.
await whenOk(`${gatewayUrl}/readyz`);
watchGateway();
console.log(`ready    │ after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s: ${gatewayUrl} — try
         │ curl -si ${gatewayUrl}/predict -H 'content-type: application/json' -d '{"id":"txn_1","features":[0.5,0.3,0.8]}'`);

function addressOf(
  from: { readonly kind: "kafka"; readonly port: number } | { readonly brokers: string },
): string {
  return "brokers" in from ? from.brokers : `${host}:${from.port}`;
}

/** Before anything that uses them; waits for a broker that is starting. Ends everything when that is in vain. */
async function prepareTopics(addresses: string): Promise<void> {
  const giveUpAt = Date.now() + (backend.kind === "kafka" ? brokerTimeoutMs : clusterTimeoutMs);
  const cluster = openCluster(readKafkaConnection(addresses, process.env));
  for (;;) {
    try {
      const { done, findings } = await ensureTopics(cluster, topics);
      for (const line of done) console.log(`topics   │ ${line}`);
      for (const { kind, topic, text } of findings) console.log(`topics   │ ${kind}: ${topic} ${text}`);
      break;
    } catch (cause) {
      if (ending !== undefined) break;
      if (Date.now() > giveUpAt) {
        console.error(`Kafka at ${addresses}: ${messageOf(cause)}`);
        await end(1);
      }
    }
    await new Promise((wake) => setTimeout(wake, readyPollMs));
  }
  await cluster.close().catch(() => undefined);
}

/** Ends everything when that takes too long. */
async function whenOk(url: string): Promise<void> {
  const isOk = await becomesOk(url, readyTimeoutMs, () => ending !== undefined);
  if (isOk || ending !== undefined) return;
  console.error(`Not ready after ${readyTimeoutMs / 1_000} s; the lines above say why.`);
  await end(1);
}

/**
 * Wrangler starts its runtime again when that dies, but does not always answer after it: then wrangler itself is
 * started again, on what the objects have stored.
 */
function watchGateway(): void {
  let missed = 0;
  let isLooking = false;
  const watching = setInterval(() => {
    if (ending !== undefined) clearInterval(watching);
    if (ending !== undefined || isLooking) return;
    isLooking = true;
    void answers(`${gatewayUrl}/healthz`)
      .then((isAnswered) => {
        missed = isAnswered ? 0 : missed + 1;
        if (missed < missedLooks) return;
        missed = 0;
        console.log("gateway │ does not answer; starting it again");
        processes.kill("gateway");
      })
      .finally(() => (isLooking = false));
  }, lookEveryMs);
}

/** Cron triggers do not fire by themselves in local development. */
async function tickCron(): Promise<void> {
  try {
    await fetch(`${gatewayUrl}/cdn-cgi/local/scheduled`, { signal: AbortSignal.timeout(5_000) });
  } catch {
    // The gateway is restarting; the next tick comes soon.
  }
}
