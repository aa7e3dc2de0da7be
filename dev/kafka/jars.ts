// The broker's jars: fetched once with Maven, which verifies their checksums, and kept in a folder named after
// the hash of pom.xml. Versions are the pom's business.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { KafkaStartError } from "./failure.ts";

/** Where everything of the development broker is kept, outside git. */
export const kafkaFolder = fileURLToPath(new URL("../../.kafka", import.meta.url));
const pom = fileURLToPath(new URL("pom.xml", import.meta.url));
const progressEveryJars = 10;

function jarFolder(): string {
  return join(
    kafkaFolder,
    `jars-${createHash("sha256").update(readFileSync(pom)).digest("hex").slice(0, 12)}`,
  );
}

export function haveJars(): boolean {
  return existsSync(jarFolder());
}

/** The class path of the broker. Throws KafkaStartError when Maven cannot fetch the jars. */
export async function resolveJars(log: (line: string) => void): Promise<string> {
  const folder = jarFolder();
  if (!existsSync(folder)) {
    log("fetching Kafka from Maven Central; this happens once (about 45 MB)");
    await mkdir(kafkaFolder, { recursive: true });
    const partial = await mkdtemp(`${folder}.partial-`);
    try {
      await copyDependencies(partial, log);
      await rename(partial, folder);
    } catch (cause) {
      await rm(partial, { recursive: true, force: true });
      // Somebody else was quicker, and theirs are as good.
      if (!existsSync(folder)) throw cause;
    }
  }
  return join(folder, "*");
}

async function copyDependencies(into: string, log: (line: string) => void): Promise<void> {
  // Maven reads MAVEN_ARGS itself only from 3.9 on, so that it is always passed on here.
  const { MAVEN_ARGS: settings = "", ...env } = process.env;
  const child = spawn(
    "mvn",
    [
      "--batch-mode",
      "--strict-checksums",
      "--file",
      pom,
      ...settings.split(/\s+/).filter((setting) => setting !== ""),
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${into}`,
    ],
    { env, stdio: ["ignore", "pipe", "pipe"] },
  );
  let jars = 0;
  const errors: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (line.includes("ERROR")) errors.push(line);
      if (/Downloaded from .*\.jar/.test(line) && ++jars % progressEveryJars === 0)
        log(`${jars} jars fetched`);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", () => reject(new KafkaStartError('Maven cannot be started: there is no "mvn".')));
    child.once("close", resolve);
  });
  if (code !== 0)
    throw new KafkaStartError(`Maven could not fetch Kafka: ${errors[0] ?? `exit code ${code}`}`);
}
