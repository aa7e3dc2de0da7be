// What figures depend on besides the code: the machine and what runs it.

import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly java: string;
}

export function machineAtHand(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    java: /"([^"]+)"/.exec(javaVersion())?.[1] ?? "unknown",
  };
}

/** Java says it on its standard error. */
function javaVersion(): string {
  try {
    return execFileSync("sh", ["-c", "java -version 2>&1"], { encoding: "utf8" });
  } catch {
    return "";
  }
}
