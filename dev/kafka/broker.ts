// One Apache Kafka broker as a child process: its data folder, its start, its end. For development and tests.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { freePort, isFree } from "../ports.ts";
import { kafkaJars } from "./java.ts";
import { brokerProperties, host } from "./properties.ts";

export interface BrokerOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Folder that keeps the records, the configuration and the broker's own log. Made when it is not there. */
  readonly folder: string;
  /** Added to the configuration, or put in the place of its lines. */
  readonly properties?: (port: number, controllerPort: number) => Readonly<Record<string, string>>;
  /** Options of the tool that makes the data folder, once: users, for example. */
  readonly formatOptions?: readonly string[];
  readonly progress?: (line: string) => void;
}

export interface Broker {
  readonly port: number;
  /** `host:port` of the listener without security. */
  readonly address: string;
  readonly pid: number;
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>;
  /** In order: waits for it, and kills after 20 s. A second call waits for the same end. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Starts again on the same port and folder, after it has ended. */
  restart(): Promise<Broker>;
}

interface Usage {
  readonly pid: number;
  readonly port: number;
}

/** Says which process uses the folder. */
const usedFile = "used-by.json";
const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;
/** A small machine is enough: the defaults of Kafka's own scripts ask for 1 GB. */
const jvm = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Resolves when the broker answers. Throws with one line when the port or the folder is taken, or it fails to start. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const progress = options.progress ?? (() => undefined);
  const port = options.port === 0 ? await freePort(host) : options.port;
  if (!(await isFree(port, host))) throw new Error(`port ${port} is taken`);
  await refuseWhileUsed(options.folder);
  const jars = await kafkaJars(progress);
  const data = join(options.folder, "data");
  const file = join(options.folder, "server.properties");
  await mkdir(data, { recursive: true });
  const address = { port, controllerPort: await freePort(host), data };
  const extra = options.properties?.(port, address.controllerPort);
  await writeFile(file, brokerProperties(address, extra));
  if (!existsSync(join(data, "meta.properties"))) format(jars, file, options.formatOptions ?? []);
  const logFile = join(options.folder, "broker.log");
  const child = launch(jars, file, logFile);
  await writeFile(join(options.folder, usedFile), JSON.stringify({ pid: child.pid, port }));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await whenAnswering(child, `${host}:${port}`, logFile);
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    child.kill(name);
    await ended;
  };
  return {
    port,
    address: `${host}:${port}`,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      const kill = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      await signal("SIGTERM");
      clearTimeout(kill);
    },
    kill: () => signal("SIGKILL"),
    async restart() {
      await ended;
      return startBroker({ ...options, port });
    },
  };
}

/**
 * Kafka locks its data, but reads some of it before. A process that was killed leaves the note behind, and its
 * number may be another's by now: only with its port taken, too, does it count as alive.
 */
async function refuseWhileUsed(folder: string): Promise<void> {
  const file = join(folder, usedFile);
  if (!existsSync(file)) return;
  const { pid, port } = JSON.parse(readFileSync(file, "utf8")) as Usage;
  if (isAlive(pid) && !(await isFree(port, host))) {
    throw new Error(`process ${pid} uses the folder ${folder} already`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function format(jars: string, file: string, options: readonly string[]): void {
  // A dash in front would look like an option to the tool.
  const clusterId = `k${randomBytes(16).toString("base64url").slice(1, 22)}`;
  const args = [
    ...classPath(jars),
    "kafka.tools.StorageTool",
    "format",
    "-t",
    clusterId,
    "-c",
    file,
    ...options,
  ];
  const { status, stdout, stderr } = spawnSync("java", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the data folder cannot be made: ${stdout}${stderr}`);
}

function launch(jars: string, file: string, logFile: string): ChildProcess {
  const log = openSync(logFile, "w");
  const level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";
  // Not in the group of the terminal: Ctrl-C reaches us, and we end it in order.
  const child = spawn("java", [...jvm, level, ...classPath(jars), "kafka.Kafka", file], {
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  // Whatever ends us must not leave it behind.
  const end = (): boolean => child.kill("SIGTERM");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

function classPath(jars: string): readonly string[] {
  return ["-cp", join(jars, "*")];
}

async function whenAnswering(child: ChildProcess, address: string, logFile: string): Promise<void> {
  const admin = new Admin({
    clientId: "start",
    bootstrapBrokers: [address],
    retries: 0,
    connectTimeout: 1_000,
  });
  const giveUpAt = Date.now() + startTimeoutMs;
  try {
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(reasonOf(logFile));
      try {
        await admin.metadata({ topics: [], forceUpdate: true });
        return;
      } catch (cause) {
        if (Date.now() > giveUpAt) {
          child.kill("SIGKILL");
          throw new Error(`the broker does not answer after ${startTimeoutMs / 1_000} s, see ${logFile}`, {
            cause,
          });
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await admin.close();
  }
}

function reasonOf(logFile: string): string {
  const log = readFileSync(logFile, "utf8");
  const reason = log.split("\n").find((line) => /ERROR|Exception/.test(line));
  return `the broker ended at once (${logFile}): ${reason ?? "it says nothing"}`;
}
