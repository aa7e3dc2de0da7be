// The development broker as `npm run kafka` and the tests use it: starts, keeps its records, refuses in one line.

import {
  Admin,
  Consumer,
  Producer,
  ProduceAcks,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { describe, expect, inject, test } from "vitest";
import { startKafka } from "../../dev/kafka/index.ts";
import { temporaryFolder } from "../support/bridge.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";

const later = useCleanups();

async function produce(bootstrap: string, topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({
    clientId: "test",
    bootstrapBrokers: [bootstrap],
    serializers: stringSerializers,
  });
  await producer.send({
    messages: values.map((value) => ({ topic, value, partition: 0 })),
    acks: ProduceAcks.ALL,
  });
  await producer.close();
}

/** Through a consumer group, so that joining one is shown as well. */
async function readAll(bootstrap: string, topic: string, count: number): Promise<string[]> {
  const consumer = new Consumer({
    clientId: "test",
    groupId: `test-${topic}`,
    bootstrapBrokers: [bootstrap],
    deserializers: stringDeserializers,
  });
  const values: string[] = [];
  const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: false });
  for await (const { value } of stream) {
    values.push(value);
    if (values.length === count) break;
  }
  await consumer.close(true);
  return values;
}

describe.skipIf(inject("kafkaBrokers") === null)("the development broker", () => {
  const shared = inject("kafkaBrokers") ?? "";

  test("takes records and hands them to a group", async () => {
    await createTopics(shared, new Map([["broker.group", 1]]));
    await produce(shared, "broker.group", ["a", "b"]);
    expect(await readAll(shared, "broker.group", 2)).toEqual(["a", "b"]);
  });

  test("has every acknowledged record after kill -9, and refuses a second broker on its folder", async () => {
    const data = await temporaryFolder();
    const broker = await startKafka({ data });
    later(() => broker.stop());
    await createTopics(broker.bootstrap, new Map([["kept", 1]]));
    await produce(broker.bootstrap, "kept", ["before"]);
    await expect(startKafka({ data })).rejects.toThrow(
      `The broker with process id ${broker.pid} already runs on ${data}.`,
    );
    await broker.kill9();
    await broker.restart();
    await produce(broker.bootstrap, "kept", ["after"]);
    expect(await readAll(broker.bootstrap, "kept", 2)).toEqual(["before", "after"]);
  });

  test("as a command: says where it listens, and ends with its Java process on SIGTERM", async () => {
    const command = runCommand(process.execPath, [
      "dev/kafka/main.ts",
      "--kafka-port",
      "0",
      "--data",
      await temporaryFolder(),
    ]);
    later(() => command.signal("SIGKILL"));
    await command.printed(/^kafka listens on 127\.0\.0\.1:\d+$/m);
    const [, address = ""] = /listens on (\S+)/.exec(command.output()) ?? [];
    command.signal("SIGTERM");
    expect(await command.ended).toBe(0);
    const admin = new Admin({ clientId: "test", bootstrapBrokers: [address], retries: false });
    await expect(admin.metadata({})).rejects.toThrow();
    await admin.close();
  });

  test("as a command: names a taken port and the option for another one", async () => {
    const port = shared.split(":")[1] ?? "";
    const command = runCommand(process.execPath, [
      "dev/kafka/main.ts",
      "--kafka-port",
      port,
      "--data",
      await temporaryFolder(),
    ]);
    expect(await command.ended).toBe(1);
    expect(command.output().trim()).toBe(
      `Port ${port} is taken. End what uses it, or choose another one with --kafka-port N.`,
    );
  });

  test("as a command: names a Java that is missing", async () => {
    const command = runCommand(process.execPath, ["dev/kafka/main.ts"], { env: { JAVA_HOME: "/nowhere" } });
    expect(await command.ended).toBe(1);
    expect(command.output().trim()).toBe('Kafka needs Java 17 or newer; there is no "/nowhere/bin/java".');
  });
});
