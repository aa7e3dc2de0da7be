// A broker of a test file's own, with its data in a folder that goes away: for files that measure, or that kill it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { startKafka, type KafkaBroker } from "../../dev/kafka/index.ts";

/** To be called once per file; what it returns is there from the first test on. */
export function useOwnBroker(): () => KafkaBroker {
  let folder: string;
  let broker: KafkaBroker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearback-kafka-"));
    broker = await startKafka({ data: folder });
  });
  afterAll(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return () => broker;
}
