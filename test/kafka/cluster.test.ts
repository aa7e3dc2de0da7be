// The bridge on more than one broker: leaders die and move, and records are neither lost nor written twice.

import { describe, expect, inject, test } from "vitest";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { recordsThroughBridge, startCluster } from "../support/kafka-cluster.ts";

const later = useCleanups();
const lasts = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(inject("kafkaBrokers") === null)("three brokers", () => {
  test("when one is killed with -9 while another hangs, and one is shut down, every record is there once, where its producer was told", async () => {
    const folder = await temporaryFolder();
    const cluster = await startCluster(folder, later);
    const [, second, third] = cluster.brokers;
    const fates = await recordsThroughBridge(cluster, later, async () => {
      await lasts(1_000);
      // What is appended now waits for this one, unconfirmed, and what the second one leads dies with it.
      process.kill(third?.pid ?? 0, "SIGSTOP");
      await lasts(500);
      await second?.kill9();
      process.kill(third?.pid ?? 0, "SIGCONT");
      await lasts(5_000);
      await second?.restart();
      await lasts(1_000);
      await third?.stop();
      await lasts(1_000);
    });
    expect(fates.produced).toBeGreaterThan(300);
    expect(fates).toMatchObject({ lost: [], twice: [], elsewhere: [] });
    expect(fates.slowestPollMs).toBeLessThan(4_000);
  });
});
