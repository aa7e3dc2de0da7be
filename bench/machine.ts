// What figures are only true for: the machine, and what runs the code on it.

import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { javaCommand } from "../dev/kafka/index.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** As `java -version` calls it. */
  readonly java: string;
}

export function machineAtHand(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    java: javaVersion(),
  };
}

function javaVersion(): string {
  const { stderr, stdout } = spawnSync(javaCommand(), ["-version"], { encoding: "utf8" });
  return /version "([^"]+)"/.exec(`${stderr ?? ""}${stdout ?? ""}`)?.[1] ?? "none";
}
