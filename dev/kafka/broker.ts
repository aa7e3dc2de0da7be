// One Kafka broker as a child process: formatted, started, known to answer, stopped, killed, started again.
// What it is configured with is in properties.ts, where its jars come from in jars.ts.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve as resolvePath } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "@platformatic/kafka";
import { freePort, isFree } from "../ports.ts";
import {
  claimFolder,
  forgetOwner,
  isFormatted,
  logFile,
  noteFormatted,
  noteOwner,
  propertiesFile,
} from "./data-folder.ts";
import { KafkaStartError } from "./failure.ts";
import { resolveJars } from "./jars.ts";
import { javaCommand, kafkaMissing } from "./java.ts";
import { brokerProperties, printProperties, type KafkaListener, type Properties } from "./properties.ts";

export interface KafkaOptions {
  /** Of the plain listener; 0 or nothing: any free one. */
  readonly port?: number;
  /** Data folder, kept between runs. */
  readonly data: string;
  /** Added to the broker's properties, or instead of them. */
  readonly properties?: Properties;
  /** Beside the plain one. Port 0: any free one. */
  readonly listeners?: readonly KafkaListener[];
  /** `--add-scram` of the format, as `SCRAM-SHA-256=[name=alice,password=secret]`; of no effect on a formatted folder. */
  readonly scram?: readonly string[];
  /**
   * Flags of its Java: heap, collector, compiler.
   * @default a small one that starts fast
   */
  readonly jvm?: readonly string[];
  /** Progress and the broker's warnings, line by line; all of it is also in `broker.log` in the data folder. */
  readonly log?: (line: string) => void;
}

export interface KafkaBroker {
  readonly port: number;
  /** Of the plain listener. */
  readonly bootstrap: string;
  /** Addresses by listener name. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Of the Java process that runs now. */
  readonly pid: number;
  /** Resolves when the Java process that runs now is gone, whoever ended it. */
  gone(): Promise<void>;
  /** An orderly end, after a grace of 10 s a kill. */
  stop(): Promise<void>;
  /** Resolves when the process is gone. */
  kill9(): Promise<void>;
  /** After an end, on the same ports and data. Rejects as startKafka does. */
  restart(): Promise<void>;
}

const host = "127.0.0.1";
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const pollMs = 100;
/** How often a start is tried when a port that we chose was taken before Kafka could have it. */
const attempts = 3;
const smallJvm = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const logging = [
  "defaultLogLevel=warn",
  "showDateTime=true",
  "dateTimeFormat=HH:mm:ss.SSS",
  // Warnings of every start and every orderly end.
  "log.org.apache.kafka.controller.QuorumController=error",
  "log.org.apache.kafka.clients.NetworkClient=error",
  // An error for every partition that is added to a topic, which then is there all the same.
  "log.state.change.logger=off",
].map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`);

/** Rejects with KafkaStartError for what the caller can mend: nothing to run it with, port or folder taken. */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const missing = kafkaMissing();
  if (missing !== undefined) throw new KafkaStartError(missing);
  const { properties = {}, scram = [], jvm = smallJvm, log = () => undefined } = options;
  const data = resolvePath(options.data);
  const wanted: readonly KafkaListener[] = [
    { name: "PLAINTEXT", protocol: "PLAINTEXT", port: options.port ?? 0 },
    ...(options.listeners ?? []),
  ];
  const classPath = await resolveJars(log);
  await claimFolder(data, log);

  const run = async (listeners: readonly KafkaListener[]): Promise<ChildProcess> => {
    for (const { port } of listeners) {
      if (!(await isFree(port, host))) throw new KafkaStartError(`Port ${port} is taken.`);
    }
    const place = { data, controllerPort: await freePort(host), listeners };
    await writeFile(propertiesFile(data), printProperties(brokerProperties(place, properties)));
    if (!isFormatted(data)) {
      log(`formatting ${data}`);
      await format(classPath, data, scram);
    }
    return await launch({ classPath, data, listeners, jvm, log });
  };

  const start = async (attempt: number): Promise<Started> => {
    const listeners = await Promise.all(
      wanted.map(async (one) => ({ ...one, port: one.port === 0 ? await freePort(host) : one.port })),
    );
    try {
      return { listeners, child: await run(listeners) };
    } catch (cause) {
      if (attempt === attempts || !(cause instanceof PortLostError)) throw cause;
      return await start(attempt + 1);
    }
  };

  const { listeners, child } = await start(1);
  let current = child;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await endProcess(current, signal);
    await forgetOwner(data);
  };
  const addresses = new Map(listeners.map(({ name, port }) => [name, `${host}:${port}`]));
  const { port } = listeners[0] ?? { port: 0 };
  return {
    port,
    bootstrap: `${host}:${port}`,
    addresses,
    get pid() {
      return current.pid ?? 0;
    },
    gone: () => exitOf(current),
    stop: () => end("SIGTERM"),
    kill9: () => end("SIGKILL"),
    restart: async () => {
      if (isRunning(current)) throw new Error("the broker is still running");
      await claimFolder(data, log);
      current = await run(listeners);
    },
  };
}

interface Started {
  readonly listeners: readonly KafkaListener[];
  readonly child: ChildProcess;
}

/** A port was free when it was chosen and taken when Kafka wanted it. */
class PortLostError extends KafkaStartError {}

async function format(classPath: string, data: string, scram: readonly string[]): Promise<void> {
  const child = spawn(
    javaCommand(),
    [
      "-XX:TieredStopAtLevel=1",
      ...logging,
      "-cp",
      classPath,
      "kafka.tools.StorageTool",
      "format",
      "--ignore-formatted",
      // The same everywhere: nothing is ever federated with a development broker.
      "--cluster-id",
      "aGVhcmJhY2stZGV2ZWxvcA",
      "--config",
      propertiesFile(data),
      ...scram.flatMap((user) => ["--add-scram", user]),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new KafkaStartError(`Kafka could not format ${data}: ${causeIn(errors)}`);
  await noteFormatted(data);
}

interface Launch {
  readonly classPath: string;
  readonly data: string;
  readonly listeners: readonly KafkaListener[];
  readonly jvm: readonly string[];
  readonly log: (line: string) => void;
}

/** Resolves with the process once the broker answers. */
async function launch({ classPath, data, listeners, jvm, log }: Launch): Promise<ChildProcess> {
  const child = spawn(
    javaCommand(),
    [...jvm, ...logging, "-cp", classPath, "kafka.Kafka", propertiesFile(data)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const file = createWriteStream(logFile(data), { flags: "a" });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      file.write(`${line}\n`);
      lines.push(line);
      if (lines.length > 200) lines.shift();
      log(line);
    });
  }
  const killWithUs = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", killWithUs);
  child.once("close", () => {
    process.off("exit", killWithUs);
    file.end();
  });
  child.once("error", () => undefined);
  if (child.pid !== undefined) await noteOwner(data, child.pid);

  const giveUpAt = Date.now() + readyTimeoutMs;
  const port = listeners[0]?.port ?? 0;
  for (;;) {
    if (!isRunning(child)) {
      const message = causeIn(lines);
      const lost = /bind|Address already in use/.test(lines.join("\n"));
      throw new (lost ? PortLostError : KafkaStartError)(`Kafka ended while it started: ${message}`);
    }
    if (await answers(port)) return child;
    if (Date.now() > giveUpAt) {
      await endProcess(child, "SIGKILL");
      throw new KafkaStartError(
        `Kafka did not answer within ${readyTimeoutMs / 1_000} s; see ${logFile(data)}.`,
      );
    }
    await sleep(pollMs);
  }
}

/** The broker that listens there names itself in its metadata: it is registered and takes requests. */
async function answers(port: number): Promise<boolean> {
  if (await isFree(port, host)) return false;
  const admin = new Admin({
    clientId: "hearback-dev",
    bootstrapBrokers: [{ host, port }],
    retries: false,
    connectTimeout: 2_000,
    timeout: 2_000,
  });
  try {
    const { brokers } = await admin.metadata({});
    return [...brokers.values()].some((broker) => broker.port === port);
  } catch {
    return false;
  } finally {
    await admin.close().catch(() => undefined);
  }
}

/** Of Java's lines, the one that says most: the first exception or error. */
function causeIn(lines: readonly string[]): string {
  const line =
    lines.find((one) => /^(Caused by: )?[\w.$]+(Exception|Error)\b.*: /.test(one)) ??
    lines.find((one) => one.includes("ERROR")) ??
    lines.at(-1) ??
    "it printed nothing";
  return line.replace(/^(Caused by: )?[\w.$]+(Exception|Error): /, "");
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (isRunning(child)) child.once("exit", () => resolve());
    else resolve();
  });
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = exitOf(child);
  if (isRunning(child)) child.kill(signal);
  const kill = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await gone;
  clearTimeout(kill);
}
