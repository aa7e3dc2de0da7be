// The contract of a backend, kept by the bridge on Apache Kafka.

import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, inject } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import type { BackendUnderTest } from "../bridge/contract/backend.ts";
import { backendContract } from "../bridge/contract/index.ts";

const broker = inject("kafkaBrokers");

describe.skipIf(broker === null)("the contract of a backend", () => {
  let admin: Admin;
  beforeAll(() => {
    admin = new Admin({ clientId: "contract", bootstrapBrokers: [broker ?? ""] });
  });
  afterAll(() => admin.close());

  const kafka: BackendUnderTest = {
    name: "Kafka",
    async open() {
      return {
        ...openKafka({ brokers: [broker ?? ""], onEvent: () => undefined }),
        async createTopic(name, partitions) {
          await admin.createTopics({ topics: [name], partitions, replicas: 1 });
        },
      };
    },
  };

  backendContract(kafka);
});
