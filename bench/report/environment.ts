// Where a run took place, and how it was set: what its figures are only true for.

import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { javaCommand } from "../../dev/kafka/index.ts";
import type { ContenderId } from "../contenders/contender.ts";

export interface Environment {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
  };
  readonly node: string;
  /** As `java -version` calls it. */
  readonly java: string;
  /** Contenders as tables and charts call them. */
  readonly titles: Readonly<Record<ContenderId, string>>;
  /** Seconds, rates, partitions, …: by name, as a table shows them. */
  readonly settings: Readonly<Record<string, string>>;
}

export function readEnvironment({ titles, settings }: Pick<Environment, "titles" | "settings">): Environment {
  const processors = cpus();
  return {
    machine: {
      cpu: processors[0]?.model.trim() ?? "unknown",
      cores: processors.length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    node: process.version,
    java: javaVersion(),
    titles,
    settings,
  };
}

function javaVersion(): string {
  const { stderr, stdout } = spawnSync(javaCommand(), ["-version"], { encoding: "utf8" });
  return /version "([^"]+)"/.exec(`${stderr ?? ""}${stdout ?? ""}`)?.[1] ?? "none";
}
