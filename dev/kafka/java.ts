// Java and Maven: what of them is missing, and the jars of a broker, fetched once and kept.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What Kafka 4 asks of a broker. https://kafka.apache.org/43/getting-started/compatibility/ */
const oldestJava = 17;

const pom = fileURLToPath(new URL("pom.xml", import.meta.url));
const cache = fileURLToPath(new URL("../../.kafka", import.meta.url));

/** In words for whoever wants to start a broker; undefined when nothing is missing. */
export function kafkaMissing(): string | undefined {
  // `java -version` writes to standard error: `openjdk version "17.0.15" 2025-04-15`.
  const java = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (java.error !== undefined) return `java is not on the PATH (Kafka needs Java ${oldestJava} or newer)`;
  const [, major] = /version "(\d+)/.exec(java.stderr) ?? [];
  if (Number(major) < oldestJava) return `Java ${major} is too old (Kafka needs ${oldestJava} or newer)`;
  if (existsSync(jarFolder())) return undefined;
  const maven = spawnSync("mvn", ["--version"], { encoding: "utf8" });
  return maven.error === undefined ? undefined : "mvn is not on the PATH (Maven fetches Kafka's jars)";
}

/** A folder of its own for each content of the pom: another version never meets the jars of this one. */
function jarFolder(): string {
  const hash = createHash("sha256").update(readFileSync(pom)).digest("hex").slice(0, 12);
  return join(cache, `jars-${hash}`);
}

/**
 * The folder with the jars. The first call lets Maven fetch them, which checks each against its checksum and
 * keeps it in its own repository, too; `progress` gets a line now and then. Throws when Maven fails, with its
 * last lines.
 */
export async function kafkaJars(progress: (line: string) => void): Promise<string> {
  const folder = jarFolder();
  if (existsSync(folder)) return folder;
  progress("fetching Apache Kafka with Maven: about 55 MB, once");
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await runMaven(partial, progress);
    // Another process may have been faster; its jars are the same.
    await rename(partial, folder).catch((cause: unknown) => {
      if (!existsSync(folder)) throw cause;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

function runMaven(folder: string, progress: (line: string) => void): Promise<void> {
  const args = ["-B", "-C", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${folder}`];
  return new Promise((resolve, reject) => {
    const maven = spawn("mvn", args, { stdio: ["ignore", "pipe", "inherit"] });
    const last: string[] = [];
    let fetched = 0;
    createInterface({ input: maven.stdout }).on("line", (line) => {
      last.push(line);
      if (last.length > 12) last.shift();
      if (/^(?:\[INFO\] )?Downloaded from /.test(line) && ++fetched % 50 === 0) progress(`${fetched} files`);
    });
    maven.on("error", reject);
    maven.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`mvn ended with ${code}:\n${last.join("\n")}`));
    });
  });
}
