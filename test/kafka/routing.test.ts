// Reply partitions on a real broker, where everybody learns of new ones at a time of their own.

import { Admin } from "@platformatic/kafka";
import { describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import type { GatewayOptions } from "../../worker/config.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startGateways } from "../support/gateways.ts";
import { startLogResponder } from "../support/log-responder.ts";
import { startBridgeProcess } from "../support/loop.ts";
import { createTopics } from "../support/loop-on-kafka.ts";

const later = useCleanups();

const [requestTopic, replyTopic] = ["routed.requests", "routed.replies"];
const optionsWith = (own: readonly number[], of: number): GatewayOptions => ({
  workersPlan: "paid",
  services: {
    routed: {
      route: "POST /routed",
      requestTopic,
      replyTopic,
      replyRouting: "key",
      replyPartitions: { own, of },
      timeoutMs: 15_000,
    },
  },
});
const partitionsOf = (topic: string, count: number) =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

describe.skipIf(inject("kafkaBrokers") === null)("reply partitions on Kafka", () => {
  const broker = inject("kafkaBrokers") ?? "";
  const open = () => {
    const kafka = openKafka({ brokers: [broker], onEvent: () => undefined });
    later(() => kafka.close());
    return kafka.log;
  };

  test("[B13] a keyed topic that grows to a multiple after the config loses nobody, though the bridge has not heard of it", async () => {
    await createTopics(
      broker,
      new Map([
        [requestTopic, 1],
        [replyTopic, 3],
      ]),
    );
    const bridge = await startBridgeProcess(0, { brokers: broker });
    later(() => bridge.stop());
    const { all } = await startGateways(
      bridge.url,
      [
        { name: "before", options: optionsWith([1], 3) },
        { name: "after", options: optionsWith([1, 4], 6), waitersOf: "before", drainOf: "before" },
      ],
      later,
    );
    const waiting = Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const answer = await fetch(`${all[at % 2]?.url}/routed`, { method: "POST", body: `call-${at}` });
        return answer.text();
      }),
    );
    const witness = open();
    const requests = async () => (await witness.offsets("latest", partitionsOf(requestTopic, 1)))[0]?.offset;
    await expect.poll(requests, { timeout: 10_000 }).toBe(30);

    const placed = () => all[1]?.partitionsRead();
    await expect.poll(placed, { timeout: 10_000 }).toEqual([`${replyTopic}/1`, `${replyTopic}/4`]);

    const admin = new Admin({ clientId: "test", bootstrapBrokers: [broker] });
    later(() => admin.close());
    await admin.createPartitions({ topics: [{ name: replyTopic, count: 6 }] });
    const replies = () => witness.offsets("latest", partitionsOf(replyTopic, 6));
    await expect.poll(async () => (await replies()).every(({ log }) => log !== "")).toBe(true);
    // A client that starts now knows all six.
    const responder = startLogResponder(open(), { topics: [requestTopic], partitionOf: () => undefined });
    later(() => responder.stop());

    expect(await waiting).toEqual(Array.from({ length: 30 }, (_, at) => `${requestTopic}:call-${at}`));
    const [, first = 0, , , second = 0] = (await replies()).map(({ offset }) => offset);
    expect([first + second, first * second > 0]).toEqual([30, true]);
  });
});
