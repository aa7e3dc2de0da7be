// `npm run dev -- --kafka`: the whole loop on a broker of its own, which may die.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";
import { freePort } from "../../dev/ports.ts";
import { postJson } from "../support/loop.ts";

const later = useCleanups();

describe.skipIf(inject("kafkaBrokers") === null)("npm run dev on Kafka", () => {
  test("answers through real topics, also after the broker was killed with -9", async () => {
    const state = await mkdtemp(join(tmpdir(), "hearback-dev-kafka-"));
    later(() => rm(state, { recursive: true, force: true }));
    const [port, bridgePort, kafkaPort] = [await freePort(), await freePort(), await freePort()];
    const options = {
      "--port": port,
      "--bridge-port": bridgePort,
      "--kafka-port": kafkaPort,
      "--state": state,
    };
    const dev = runCommand(process.execPath, [
      "dev/main.ts",
      "--kafka",
      ...Object.entries(options).flatMap(([option, value]) => [option, String(value)]),
    ]);
    later(async () => {
      dev.signal("SIGINT");
      await dev.ended;
    });
    await dev.printed(/^ready /m);
    expect(dev.output()).toContain("created inference.replies.v1: 3 partitions");
    const ask = async () =>
      (await postJson(`http://localhost:${port}/predict`, { id: "a", features: [2] })).status;
    expect(await ask()).toBe(200);

    const owner = await readFile(join(state, "kafka", "broker", "owner.json"), "utf8");
    process.kill((JSON.parse(owner) as { readonly broker: number }).broker, "SIGKILL");
    await dev.printed(/kafka +│ ended with 1; starting it again[^]*kafka listens on/);
    await expect.poll(ask, { timeout: 30_000 }).toBe(200);
  });

  test("says in one line that the cluster it should use does not answer", async () => {
    const dev = runCommand(process.execPath, [
      "dev/main.ts",
      "--brokers",
      "127.0.0.1:1",
      "--port",
      String(await freePort()),
      "--bridge-port",
      String(await freePort()),
      "--state",
      "none",
    ]);
    expect(await dev.ended).toBe(1);
    expect(dev.output().trim()).toMatch(/^Kafka at 127\.0\.0\.1:1: .*$/);
  });
});
