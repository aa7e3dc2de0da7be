// Java and Maven as this machine has them. Says what is missing; starts nothing that stays.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { haveJars } from "./jars.ts";

/** The oldest Java that a Kafka 4 broker runs on. */
const oldestJava = 17;

export function javaCommand(): string {
  const home = process.env["JAVA_HOME"];
  return home === undefined || home === "" ? "java" : join(home, "bin", "java");
}

/** The major version in what `java -version` prints, or undefined: `1.8.0_292` is 8, `17.0.15` is 17. */
function javaVersionIn(printed: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(printed) ?? [];
  if (first === undefined) return undefined;
  return first === "1" && second !== undefined ? Number(second) : Number(first);
}

/** A sentence about what this machine lacks for a broker, or undefined: it has everything. */
export function kafkaMissing(): string | undefined {
  const command = javaCommand();
  const java = spawnSync(command, ["-version"], { encoding: "utf8" });
  if (java.error !== undefined) return `Kafka needs Java ${oldestJava} or newer; there is no "${command}".`;
  const version = javaVersionIn(`${java.stderr}${java.stdout}`);
  if (version === undefined) return `Kafka needs Java ${oldestJava} or newer; "${command} -version" fails.`;
  if (version < oldestJava)
    return `Kafka needs Java ${oldestJava} or newer; "${command}" is Java ${version}.`;
  if (haveJars()) return undefined;
  const maven = spawnSync("mvn", ["--version"], { encoding: "utf8" });
  if (maven.error !== undefined) return 'Kafka is fetched with Maven the first time; there is no "mvn".';
  return undefined;
}
