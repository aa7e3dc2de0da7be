// The loop on a real Kafka when a part of it dies under load, and what a bridge knows that died between an
// append and its answer.

import { describe, expect, inject, test } from "vitest";
import { startKafka } from "../../dev/kafka/index.ts";
import { killBetweenAppendAndAnswer, startLoopOnKafka } from "../support/loop-on-kafka.ts";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { countFates, startLoad } from "../support/load.ts";

const later = useCleanups();

describe.skipIf(inject("kafkaBrokers") === null)("on a real Kafka", { timeout: 60_000 }, () => {
  test("a broker, a bridge and a drain that die under load end requests in 503 or 504 at worst, and all heals by itself", async () => {
    const folder = await temporaryFolder();
    const broker = await startKafka({ data: folder });
    later(() => broker.stop());
    const loop = await startLoopOnKafka(broker.bootstrap, later);
    const load = startLoad(`${loop.url}/predict`, 20);
    const answeredSince = (since: number) => () =>
      load.fates.filter(({ begunAt, fate }) => begunAt > since && fate === "answered").length;
    const heals = async (): Promise<void> => {
      await expect.poll(answeredSince(Date.now()), { timeout: 30_000 }).toBeGreaterThan(20);
    };
    await heals();
    await broker.kill9();
    await expect
      .poll(() => load.fates.filter(({ fate }) => fate === "503").length, { timeout: 20_000 })
      .toBeGreaterThan(5);
    await broker.restart();
    await heals();
    await loop.bridge.kill();
    await loop.restartBridge();
    await heals();
    await loop.resetDrain();
    await heals();
    const fates = countFates(await load.finish());
    expect(Object.keys(fates).filter((fate) => !["answered", "503", "504"].includes(fate))).toEqual([]);
  });

  test("a bridge killed with -9 between an append and its answer knows the record again: it is there once", async () => {
    const folder = await temporaryFolder();
    const results = await killBetweenAppendAndAnswer({ folder, times: 2, later });
    expect(results).toEqual([
      { records: 1, sameOffset: true },
      { records: 1, sameOffset: true },
    ]);
  });
});
