// The responder kit on Apache Kafka by the native protocol: the same contract.

import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, inject } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import { responderContract } from "../responder/contract/index.ts";
import type { Home } from "../responder/contract/stage.ts";

const broker = inject("kafkaBrokers");

describe.skipIf(broker === null)("the responder kit on Kafka", () => {
  const brokers = [broker ?? ""];
  let admin: Admin;
  let kafka: ReturnType<typeof openKafka>;
  beforeAll(() => {
    admin = new Admin({ clientId: "responder-test", bootstrapBrokers: brokers });
    kafka = openKafka({ brokers, onEvent: () => undefined });
  });
  afterAll(async () => {
    await kafka.close();
    await admin.close();
  });

  const home = async (): Promise<Home> => ({
    connection: { brokers },
    log: kafka.log,
    async createTopic(name, partitions) {
      await admin.createTopics({ topics: [name], partitions, replicas: 1 });
    },
    addPartitions: (name, count) => admin.createPartitions({ topics: [{ name, count }] }),
  });
  responderContract(home);
});
