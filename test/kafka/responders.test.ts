// Responders that stall, end, die and come back, behind a gateway on Kafka: what HTTP callers see of it.

import { Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import { readHeader, recordHeaders, type KafkaRecord } from "../../protocol/index.ts";
import { atOnce } from "../support/bridge.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import {
  ledgerOf,
  postJson,
  startBridgeProcess,
  startGateway,
  topics,
  type Gateway,
} from "../support/loop.ts";
import { startModelProcess, type ResponderProcess } from "../support/responder-process.ts";

describe.skipIf(inject("kafkaBrokers") === null)("responders on Kafka", () => {
  const brokers = inject("kafkaBrokers") ?? "";
  const cleanups: (() => Promise<void>)[] = [];
  let gateway: Gateway;
  let one: ResponderProcess;

  /** Every answer: its status, or what is wrong with it. */
  async function ask(path: string, count: number, delayMs = 0): Promise<readonly (number | string)[]> {
    return Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const response = await postJson(`${gateway.url}${path}`, {
          id: `r${n}`,
          features: [n],
          delay_ms: delayMs,
        });
        const body = (await response.json()) as { prediction?: number };
        return response.status === 200 && body.prediction !== n
          ? `wrong: ${JSON.stringify(body)}`
          : response.status;
      }),
    );
  }

  const all = (count: number, status: number): number[] => Array.from({ length: count }, () => status);

  function start(name: string): ResponderProcess {
    const responder = startModelProcess(brokers, name);
    cleanups.push(() => responder.kill());
    return responder;
  }

  beforeAll(async () => {
    await createTopics(brokers, topics);
    const bridge = await startBridgeProcess(0, { brokers });
    cleanups.push(() => bridge.stop());
    gateway = await startGateway("together", bridge.url);
    cleanups.push(() => gateway.stop());
    one = start("one");
    expect(await ask("/predict/20s", 1)).toEqual([200]);
  });
  afterAll(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  });

  test("one serves a bare Kafka client beside HTTP, and knows no difference", async () => {
    const replies = "inference.replies.bare";
    await createTopics(brokers, new Map([[replies, 1]]));
    const options = { clientId: "bare", bootstrapBrokers: [brokers] };
    const consumer = new Consumer({ ...options, groupId: "bare", deserializers: stringDeserializers });
    const producer = new Producer({ ...options, serializers: stringSerializers });
    const stream = await consumer.consume({ topics: [replies], mode: "earliest" });
    cleanups.push(async () => {
      await stream.close();
      await consumer.close(true);
      await producer.close();
    });
    const id = "550e8400-e29b-41d4-a716-446655440000";
    const overHttp = ask("/predict", 5);
    await producer.send({
      messages: [
        {
          topic: "inference.requests.v1",
          value: JSON.stringify({ id: "bare", features: [7] }),
          headers: { "X-Correlation-ID": id, "X-Reply-Topic": replies },
        },
      ],
    });
    for await (const { key, value, headers } of stream) {
      expect([key, headers.get("X-Correlation-ID"), headers.get("X-Responder")]).toEqual([id, id, "one"]);
      expect(JSON.parse(value)).toMatchObject({ id: "bare", prediction: 7 });
      break;
    }
    expect(await overHttp).toEqual(all(5, 200));
  });

  test("[A18] one that stalls for 2 s costs those who would not wait that long, and nobody is answered twice", async () => {
    const before = await ledgerOf(gateway.url);
    one.freeze();
    const patient = ask("/predict", 20);
    expect(await ask("/predict/1s", 20)).toEqual(all(20, 504));
    expect(await ask("/predict/1s", 5)).toEqual(all(5, 504));
    one.resume();
    expect(await patient).toEqual(all(20, 200));
    expect(await ask("/predict", 5)).toEqual(all(5, 200));
    const { verdicts, read, settled, inFlight } = await ledgerOf(gateway.url);
    expect((verdicts.accepted ?? 0) - (before.verdicts.accepted ?? 0)).toBe(25);
    expect(verdicts.duplicate ?? 0).toBe(before.verdicts.duplicate ?? 0);
    expect(settled + inFlight).toBe(read);
  });

  test("[B4] one that is away for a second inside the timeout is not missed", async () => {
    await one.stop();
    const asked = ask("/predict", 20);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    one = start("one");
    expect(await asked).toEqual(all(20, 200));
  });

  test("[B4] two share the load; when one is killed with -9 its requests are answered by the other, or end at their deadline", async () => {
    const two = start("two");
    await expect
      .poll(
        async () => {
          expect(await ask("/predict", 20)).toEqual(all(20, 200));
          return (await respondersOf(brokers)).size;
        },
        { timeout: 30_000 },
      )
      .toBe(2);
    // While they are being handled, a second each, by whoever of the two has the partition.
    const since = Date.now();
    const short = ask("/predict/3s", 20, 1_500);
    const long = ask("/predict/20s", 20, 1_500);
    await expect
      .poll(async () => (await recordsSince(brokers, "inference.requests.v1", since)).length)
      .toBe(40);
    await two.kill();
    const fates = await short;
    expect(fates.filter((fate) => fate !== 200 && fate !== 504)).toEqual([]);
    expect(fates).toContain(504);
    expect(fates).toContain(200);
    expect(await long).toEqual(all(20, 200));
    expect(await ask("/predict", 20)).toEqual(all(20, 200));
  });
});

/** Names in the replies of the last two seconds. */
async function respondersOf(brokers: string): Promise<ReadonlySet<string>> {
  const replies = await recordsSince(brokers, "inference.replies.v1", Date.now() - 2_000);
  return new Set(replies.map(({ headers }) => readHeader(headers, recordHeaders.responder) ?? ""));
}

/** Of a topic with three partitions. */
async function recordsSince(brokers: string, topic: string, since: number): Promise<readonly KafkaRecord[]> {
  const kafka = openKafka({ brokers: [brokers], onEvent: () => undefined });
  try {
    const partitions = [0, 1, 2].map((partition) => ({ topic, partition }));
    const positions = await kafka.log.offsets(since, partitions);
    return await kafka.log.fetch(positions, { ...atOnce, strict: true });
  } finally {
    await kafka.close();
  }
}
