// `npm run dev`: the whole loop on one machine. A bridge with its embedded log or on Kafka, the gateway in
// `wrangler dev`, the example's responder; one log, one line when ready, one Ctrl-C to end it all.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readKafkaConnection } from "../bridge/index.ts";
import config from "../hearback.config.ts";
import { kafkaMissing, startBroker, type Broker } from "./kafka/index.ts";
import { parseDevOptions } from "./options.ts";
import { isFree } from "./ports.ts";
import { Processes } from "./processes.ts";
import { checkTopics } from "./topics/index.ts";
import { sweepEmptyWaiters } from "./sweep.ts";

const host = "127.0.0.1";
const user = "dev";
const password = "dev";
/** Partitions of the request topics; the reply topics have what the config says. */
const requestPartitions = 3;
const tickEveryMs = 10_000;
const readyPollMs = 100;
const readyTimeoutMs = 60_000;

const startedAt = Date.now();
const root = fileURLToPath(new URL("..", import.meta.url));
const parsed = parseDevOptions(process.argv.slice(2));
if (!parsed.ok) {
  console.error(parsed.message);
  process.exit(1);
}
const { port, bridgePort, responders, state, log } = parsed.options;
for (const [taken, option] of [
  [port, "--port"],
  [bridgePort, "--bridge-port"],
  ...(log.kind === "kafka" ? [[log.port, "--kafka-port"] as const] : []),
] as const) {
  if (!(await isFree(taken, host))) {
    console.error(`Port ${taken} is taken. End what uses it, or choose another one with ${option} N.`);
    process.exit(1);
  }
}

const scratch = state === undefined ? await mkdtemp(join(tmpdir(), "hearback-")) : undefined;
const stateFolder = scratch ?? resolve(root, state ?? "");
const bridgeUrl = `http://${host}:${bridgePort}`;
const gatewayUrl = `http://localhost:${port}`;
const credentials = {
  UPSTASH_KAFKA_REST_URL: bridgeUrl,
  UPSTASH_KAFKA_REST_USERNAME: user,
  UPSTASH_KAFKA_REST_PASSWORD: password,
};

await sweepEmptyWaiters(join(stateFolder, "wrangler"));

const processes = new Processes();
let ticking: NodeJS.Timeout | undefined;
let broker: Broker | undefined;
let ending: Promise<void> | undefined;
const end = (code: number): Promise<void> =>
  (ending ??= (async () => {
    clearInterval(ticking);
    await processes.end();
    await broker?.stop();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
    process.exit(code);
  })());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));
const gaveUp = (name: string): void => {
  console.error(`${name} cannot stay up; the lines above say why. Ending everything.`);
  void end(1);
};

const logArguments = await openLog();
processes.start(
  {
    name: "bridge",
    args: [
      "bridge/main.ts",
      "--host",
      host,
      "--port",
      String(bridgePort),
      "--user",
      user,
      "--password",
      password,
      ...logArguments,
    ],
  },
  gaveUp,
);
processes.start(
  {
    name: "gateway",
    args: [
      "node_modules/wrangler/bin/wrangler.js",
      "dev",
      "--ip",
      host,
      "--port",
      String(port),
      "--inspector-port",
      "0",
      "--persist-to",
      join(stateFolder, "wrangler"),
      "--show-interactive-dev-session",
      "false",
      ...Object.entries({ ...credentials, HEARBACK_OPERATOR_ACCESS: "open" }).flatMap(([name, value]) => [
        "--var",
        `${name}:${value}`,
      ]),
    ],
    env: {
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // Wrangler's local trace store writes every request to a database: a third of the throughput.
      X_LOCAL_OBSERVABILITY: "false",
    },
    show: isWorthShowing,
  },
  gaveUp,
);
if (responders) {
  processes.start({ name: "predict", args: ["examples/predict/responder.ts"], env: credentials }, gaveUp);
}

ticking = setInterval(() => void tickCron(), tickEveryMs);
await whenReady();
console.log(`ready    │ after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s: ${gatewayUrl} — try
         │ curl -si ${gatewayUrl}/predict -H 'content-type: application/json' -d '{"id":"txn_1","features":[0.5,0.3,0.8]}'`);

/** Options of the bridge. With Kafka, the broker answers and the topics exist when they are there. */
async function openLog(): Promise<readonly string[]> {
  if (log.kind === "embedded") {
    return [...(scratch === undefined ? ["--state", join(stateFolder, "log")] : []), ...topicArguments()];
  }
  try {
    if (log.kind === "kafka") await startKafka(log.port);
    const brokers = log.kind === "kafka" ? `${host}:${log.port}` : log.brokers;
    const connection = readKafkaConnection(brokers, process.env);
    const reports = await checkTopics({
      connection,
      services: config.services,
      requestPartitions,
      create: true,
      replicas: -1,
    });
    for (const { name, findings, done } of reports) {
      if (done !== undefined) console.log(`topics   │ ${name} ${done}`);
      for (const { text } of findings.filter(({ level }) => level === "error"))
        console.log(`topics   │ ${name}: ${text}`);
    }
    return ["--brokers", brokers];
  } catch (cause) {
    console.error(`kafka    │ ${cause instanceof Error ? cause.message : String(cause)}`);
    await end(1);
    return [];
  }
}

/** Started again when it dies, as the other parts are. */
async function startKafka(kafkaPort: number): Promise<void> {
  const missing = kafkaMissing();
  if (missing !== undefined) throw new Error(missing);
  const show = (line: string): void => console.log(`kafka    │ ${line}`);
  broker = await startBroker({ port: kafkaPort, folder: join(stateFolder, "kafka"), progress: show });
  show(`listens on ${broker.address} (process ${broker.pid})`);
  const keepUp = async (started: Broker): Promise<void> => {
    await started.ended;
    if (ending !== undefined) return;
    show("ended; starting it again");
    broker = await started.restart();
    show(`listens on ${broker.address} (process ${broker.pid})`);
    await keepUp(broker);
  };
  keepUp(broker).catch((cause: unknown) => {
    show(cause instanceof Error ? cause.message : String(cause));
    gaveUp("kafka");
  });
}

function topicArguments(): string[] {
  const partitions = new Map<string, number>();
  for (const { requestTopic, replyTopic, replyPartitions } of config.services) {
    partitions.set(requestTopic, requestPartitions);
    partitions.set(replyTopic, replyPartitions);
  }
  return [...partitions].flatMap(([topic, count]) => ["--topic", `${topic}:${count}`]);
}

/** Ready means ready for a first request: the gateway built, Kafka REST answering. */
async function whenReady(): Promise<void> {
  const giveUpAt = Date.now() + readyTimeoutMs;
  for (;;) {
    try {
      const response = await fetch(`${gatewayUrl}/readyz`, { signal: AbortSignal.timeout(3_000) });
      if (response.ok) return;
    } catch {
      // Not up yet.
    }
    if (ending !== undefined) return;
    if (Date.now() > giveUpAt) {
      console.error(`Not ready after ${readyTimeoutMs / 1_000} s; the lines above say why.`);
      await end(1);
    }
    await new Promise((wake) => setTimeout(wake, readyPollMs));
  }
}

/** Cron triggers do not fire by themselves in local development. */
async function tickCron(): Promise<void> {
  try {
    await fetch(`${gatewayUrl}/cdn-cgi/local/scheduled`, { signal: AbortSignal.timeout(5_000) });
  } catch {
    // The gateway is restarting; the next tick comes soon.
  }
}

/** Of wrangler's lines, those about requests, errors and what the Worker logs; not its banner, tables and advice. */
function isWorthShowing(line: string): boolean {
  return !/^\s*(⛅|─|╭|│|╰|env\.|Your Worker|Binding|Using |\[wrangler:info\] Ready|⎔|.*cdn-cgi\/local|.*Scheduled Workers|To manually|For more details)/u.test(
    line,
  );
}
