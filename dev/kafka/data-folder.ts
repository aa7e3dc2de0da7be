// A broker's data folder: whose it is, and whether it is formatted. Kafka's own file lock is what keeps two
// brokers apart; the note kept here says so sooner and in one line, and finds a broker whose launcher was killed.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KafkaStartError } from "./failure.ts";

interface Owner {
  readonly broker: number;
  readonly launcher: number;
}

export const propertiesFile = (data: string): string => join(data, "server.properties");
export const logFile = (data: string): string => join(data, "broker.log");
const ownerFile = (data: string): string => join(data, "owner.json");
const formattedFile = (data: string): string => join(data, "formatted");
const goneTimeoutMs = 10_000;

export function isFormatted(data: string): boolean {
  return existsSync(formattedFile(data));
}

/** Only after the format succeeded: half a format is done again. */
export async function noteFormatted(data: string): Promise<void> {
  await writeFile(formattedFile(data), "");
}

export async function noteOwner(data: string, broker: number): Promise<void> {
  const owner: Owner = { broker, launcher: process.pid };
  await writeFile(ownerFile(data), JSON.stringify(owner));
}

export async function forgetOwner(data: string): Promise<void> {
  await rm(ownerFile(data), { force: true });
}

/** Makes the folder ready for a broker of ours. Throws KafkaStartError when another one runs on it. */
export async function claimFolder(data: string, log: (line: string) => void): Promise<void> {
  await mkdir(data, { recursive: true });
  const owner = readOwner(data);
  if (owner === undefined || !isBrokerOf(data, owner.broker)) return;
  if (isAlive(owner.launcher)) {
    throw new KafkaStartError(`The broker with process id ${owner.broker} already runs on ${data}.`);
  }
  log(`ending process ${owner.broker}, a broker that outlived the command that started it`);
  const giveUpAt = Date.now() + goneTimeoutMs;
  process.kill(owner.broker, "SIGTERM");
  while (isAlive(owner.broker)) {
    if (Date.now() > giveUpAt) process.kill(owner.broker, "SIGKILL");
    await sleep(50);
  }
}

function readOwner(data: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(ownerFile(data), "utf8")) as Owner;
  } catch {
    // None, or the machine went down while it was written.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

/** A process id may belong to somebody else by now; a broker of this folder has its properties file as argument. */
function isBrokerOf(data: string, pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return typeof stdout === "string" && stdout.includes(propertiesFile(data));
}
