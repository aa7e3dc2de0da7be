// Whether anybody is there to answer, as a real cluster shows it: groups of both protocols, and a gateway that asks.

import { Admin, Consumer } from "@platformatic/kafka";
import { describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import { createResponder } from "../../responder/index.ts";
import { newName } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startGateways } from "../support/gateways.ts";
import { startBridgeProcess } from "../support/loop.ts";
import { createTopics } from "../support/loop-on-kafka.ts";

const later = useCleanups();

describe.skipIf(inject("kafkaBrokers") === null)("admission on Kafka", () => {
  const broker = inject("kafkaBrokers") ?? "";
  const open = () => {
    const kafka = openKafka({ brokers: [broker], onEvent: () => undefined });
    later(() => kafka.close());
    return kafka;
  };

  test.each(["classic", "consumer"] as const)(
    "a group of the %s protocol has members while it has, and none before and after",
    async (groupProtocol) => {
      const [topic, group] = [newName(), newName()];
      await createTopics(broker, new Map([[topic, 1]]));
      const { groups } = open();
      const members = async () => groups.memberCount(group).catch(() => -1);
      await expect.poll(members, { timeout: 10_000 }).toBe(0);
      const consumer = new Consumer({
        clientId: "foreign",
        groupId: group,
        bootstrapBrokers: [broker],
        groupProtocol,
      });
      const stream = await consumer.consume({ topics: [topic] });
      stream.on("error", () => undefined);
      await expect.poll(members, { timeout: 20_000 }).toBe(1);
      await consumer.close(true);
      await expect.poll(members, { timeout: 20_000 }).toBe(0);
    },
  );

  test("a service whose group is empty is asked nothing; a responder that joins is noticed", async () => {
    const [topic, replies, group] = [newName(), newName(), newName()];
    await createTopics(
      broker,
      new Map([
        [topic, 2],
        [replies, 1],
      ]),
    );
    const bridge = await startBridgeProcess(0, { brokers: broker });
    later(() => bridge.stop());
    const options = {
      workersPlan: "paid",
      services: {
        grouped: {
          route: "POST /grouped",
          requestTopic: topic,
          replyTopic: replies,
          timeoutMs: 5_000,
          breaker: false,
          responderGroup: group,
        },
      },
    } as const;
    const { byName } = await startGateways(bridge.url, [{ name: "gateway", options }], later);
    const ask = async (): Promise<string> => {
      const response = await fetch(`${byName.gateway.url}/grouped`, { method: "POST", body: "x" });
      const text = await response.text();
      return response.status === 200 ? text : (JSON.parse(text) as { code: string }).code;
    };
    const ends = async () => {
      const admin = new Admin({ clientId: "witness", bootstrapBrokers: [broker] });
      const [found] = await admin.listOffsets({
        topics: [
          { name: topic, partitions: [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n })) },
        ],
      });
      await admin.close();
      return found?.partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
    };
    await expect.poll(ask, { timeout: 20_000 }).toBe("no_responder");
    const before = await ends();
    expect(new Set(await Promise.all(Array.from({ length: 20 }, ask)))).toEqual(new Set(["no_responder"]));
    expect(await ends()).toBe(before);

    const responder = createResponder({
      kafka: { brokers: [broker] },
      topic,
      replyTopics: [replies],
      group,
      onEvent: () => {},
      handler: (request) => ({ body: `grouped:${request.text()}` }),
    });
    const running = responder.run();
    later(() => {
      responder.stop();
      return running;
    });
    await expect.poll(ask, { timeout: 30_000 }).toBe("grouped:x");
  });
});
