// One Kafka broker for all tests of the project `kafka`, on any free port and in a folder that goes away. Where it
// cannot run, `kafkaBrokers` is null and tests skip themselves, unless HEARBACK_REQUIRE_KAFKA=1.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { kafkaMissing, startKafka } from "../../dev/kafka/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `host:port` of the plain listener. */
    kafkaBrokers: string | null;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = kafkaMissing();
  if (missing !== undefined) {
    if (process.env["HEARBACK_REQUIRE_KAFKA"] === "1") throw new Error(missing);
    console.log(`${missing} The tests on real Kafka are skipped.`);
    project.provide("kafkaBrokers", null);
    return () => Promise.resolve();
  }
  const data = await mkdtemp(join(tmpdir(), "hearback-kafka-"));
  const broker = await startKafka({ data, log: (line) => console.log(`kafka    │ ${line}`) });
  project.provide("kafkaBrokers", broker.bootstrap);
  return async () => {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  };
}
