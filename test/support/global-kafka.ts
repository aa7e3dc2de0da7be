// One broker for all tests of the project that need a real Kafka. Without Java or Maven there is none: then that
// is said in plain words, and the tests are skipped, unless HEARBACK_REQUIRE_KAFKA=1 wants them.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { kafkaMissing, startBroker } from "../../dev/kafka/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port`; null when there is no Kafka on this machine. */
    kafkaBroker: string | null;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const missing = kafkaMissing();
  if (missing !== undefined) {
    if (process.env["HEARBACK_REQUIRE_KAFKA"] === "1") throw new Error(`no Kafka to test with: ${missing}`);
    console.warn(`\nNO KAFKA: ${missing}. The tests on a real Kafka are skipped.\n`);
    project.provide("kafkaBroker", null);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "hearback-kafka-"));
  const broker = await startBroker({ port: 0, folder, progress: (line) => console.log(`kafka: ${line}`) });
  project.provide("kafkaBroker", broker.address);
  return async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
