// `npm run dev -- --kafka`: the whole loop on a broker of its own, which may die.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";
import { openKafka } from "../../kafka/native/index.ts";
import { startKafka } from "../../dev/kafka/index.ts";
import { freePort } from "../../dev/ports.ts";
import { decodeText, readHeader, recordHeaders, type KafkaRecord } from "../../protocol/index.ts";
import { atOnce, temporaryFolder } from "../support/bridge.ts";
import { postJson } from "../support/loop.ts";

const later = useCleanups();

/** The newest record of a topic with three partitions. */
async function newest(broker: string, topic: string): Promise<KafkaRecord> {
  const kafka = openKafka({ brokers: [broker], onEvent: () => undefined });
  const partitions = [0, 1, 2].map((partition) => ({ topic, partition, offset: 0 }));
  const records = await kafka.log.fetch(partitions, atOnce);
  await kafka.close();
  const last = records.toSorted((one, other) => one.timestamp - other.timestamp).at(-1);
  if (last === undefined) throw new Error(`${topic} is empty`);
  return last;
}

describe.skipIf(inject("kafkaBrokers") === null)("npm run dev on Kafka", () => {
  test("[A4] answers through real topics that hold what was posted, also after the broker was killed with -9", async () => {
    const state = await temporaryFolder();
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

    const posted = '{ "features":[0.50, 2e0],\n\t"id":"zürich" }\n';
    const answer = await fetch(`http://localhost:${port}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: posted,
    });
    const answered = await answer.text();
    const id = answer.headers.get("x-correlation-id");
    for (const [topic, body] of [
      ["inference.requests.v1", posted],
      ["inference.replies.v1", answered],
    ] as const) {
      const record = await newest(`127.0.0.1:${kafkaPort}`, topic);
      expect(record.value && decodeText(record.value)).toBe(body);
      expect(readHeader(record.headers, recordHeaders.correlationId)).toBe(id);
    }
    const request = await newest(`127.0.0.1:${kafkaPort}`, "inference.requests.v1");
    const { replyTopic, replyPartition, creationTimestamp } = recordHeaders;
    for (const header of [replyTopic, replyPartition, creationTimestamp])
      expect(readHeader(request.headers, header)).toBeTruthy();

    const owner = await readFile(join(state, "kafka", "broker", "owner.json"), "utf8");
    process.kill((JSON.parse(owner) as { readonly broker: number }).broker, "SIGKILL");
    await dev.printed(/kafka +│ ended with 1; starting it again[^]*kafka listens on/);
    await expect.poll(ask, { timeout: 30_000 }).toBe(200);
  });

  test("a request that comes when its responder was killed with -9 is answered by the next one, in time", async () => {
    // Its own, since other tests want the same topics to be theirs.
    const broker = await startKafka({ data: await temporaryFolder() });
    later(() => broker.stop());
    const port = await freePort();
    const options = {
      "--port": port,
      "--bridge-port": await freePort(),
      "--brokers": broker.bootstrap,
      "--state": "none",
    };
    const dev = runCommand(process.execPath, [
      "dev/main.ts",
      ...Object.entries(options).flatMap(([option, value]) => [option, String(value)]),
    ]);
    later(async () => {
      dev.signal("SIGINT");
      await dev.ended;
    });
    await dev.printed(/^ready /m);
    const ask = async () =>
      (await postJson(`http://localhost:${port}/predict`, { id: "a", features: [2] })).status;
    await expect.poll(ask, { timeout: 30_000 }).toBe(200);

    const predict = ["-P", String(dev.pid), "-f", "examples/predict/responder.ts"];
    const { stdout } = await promisify(execFile)("pgrep", predict);
    process.kill(Number(stdout.trim()), "SIGKILL");
    await dev.printed(/predict +│ ended with SIGKILL; starting it again/);
    // Its timeout is half of what Kafka waits for a dead one.
    expect(await ask()).toBe(200);
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
