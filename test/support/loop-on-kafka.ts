// The loop with a real Kafka below it, and the ways in which its tests break it.

import { Admin } from "@platformatic/kafka";
import { openKafka } from "../../kafka/native/index.ts";
import { freePort } from "../../dev/ports.ts";
import { startKafka, type KafkaBroker } from "../../dev/kafka/index.ts";
import { decodeText, type KafkaRecord } from "../../protocol/index.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";
import { atOnce, basic, raw, type RawAnswer } from "./bridge.ts";
import {
  password,
  startBridgeProcess,
  startLoopOnProcess,
  topics,
  user,
  type BridgeProcess,
} from "./loop.ts";

type Later = (cleanup: () => unknown) => void;

export interface LoopOnKafka {
  readonly url: string;
  readonly bridge: BridgeProcess;
  restartBridge(): Promise<void>;
  /** Ends the drain object as a deploy would: at once, with what it had in memory. */
  resetDrain(): Promise<void>;
}

export async function createTopics(broker: string, wanted: ReadonlyMap<string, number>): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [broker] });
  for (const [topic, partitions] of wanted)
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  await admin.close();
}

export async function startLoopOnKafka(broker: string, later: Later): Promise<LoopOnKafka> {
  await createTopics(broker, topics);
  const loop = await startLoopOnProcess({ brokers: broker }, later);
  return {
    url: loop.gateway.url,
    get bridge() {
      return loop.bridge;
    },
    restartBridge: () => loop.restartBridge(),
    async resetDrain() {
      const { REPLY_DRAIN } = await loop.gateway.server
        .getWorker<{ REPLY_DRAIN: ResettableNamespace }>()
        .getEnv();
      const drain = REPLY_DRAIN.get(REPLY_DRAIN.idFromName("drain-0"));
      // The call ends with the object it was made to.
      await drain.reset().catch(() => undefined);
    },
  };
}

interface ResettableNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { reset(): Promise<void> };
}

export interface BrokerBehindProxy {
  readonly broker: KafkaBroker;
  readonly proxy: FaultProxy;
  /** Clients that begin here stay behind the proxy; those of `broker.bootstrap` see the topics as they are. */
  readonly throughProxy: string;
}

export async function startBrokerBehindProxy(folder: string, later: Later): Promise<BrokerBehindProxy> {
  const [plainPort, port] = [await freePort(), await freePort()];
  const proxy = await startFaultProxy({ target: port, reads: "bytes" });
  later(() => proxy.close());
  const broker = await startKafka({
    port: plainPort,
    data: folder,
    listeners: [{ name: "BEHIND", protocol: "PLAINTEXT", port }],
    properties: {
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${plainPort},BEHIND://127.0.0.1:${proxy.port}`,
    },
  });
  later(() => broker.stop());
  return { broker, proxy, throughProxy: `127.0.0.1:${proxy.port}` };
}

export interface Repeated {
  /** Records with the produce ID in the topic. */
  readonly records: number;
  /** Whether the repeat was answered with the offset of the first. */
  readonly sameOffset: boolean;
}

/**
 * Again and again: lets a bridge append, withholds Kafka's acknowledgement from it, kills it with -9 once the
 * record is in the topic, starts it again, and repeats the produce.
 */
export async function killBetweenAppendAndAnswer({
  folder,
  times,
  later,
}: {
  readonly folder: string;
  readonly times: number;
  readonly later: Later;
}): Promise<readonly Repeated[]> {
  const { broker, proxy, throughProxy } = await startBrokerBehindProxy(folder, later);
  const topic = "held";
  await createTopics(broker.bootstrap, new Map([[topic, 1]]));
  const witness = openKafka({ brokers: [broker.bootstrap], onEvent: () => undefined });
  later(() => witness.close());
  const place = { brokers: throughProxy };
  let bridge = await startBridgeProcess(0, place);
  later(() => bridge.stop());

  const produce = (id: string): Promise<RawAnswer> =>
    raw(`${bridge.url}/produce`, {
      method: "POST",
      body: { topic, value: id, headers: [{ key: "X-Produce-ID", value: id }] },
      headers: { authorization: basic(user, password) },
    });
  const answered = async (id: string): Promise<{ readonly offset: number }> => {
    for (;;) {
      const { status, json } = await produce(id);
      if (status === 200) return (json as { offset: number }[])[0] ?? { offset: Number.NaN };
    }
  };
  const recordsWith = async (id: string): Promise<readonly KafkaRecord[]> => {
    const found = await witness.log.fetch([{ topic, partition: 0, offset: 0 }], atOnce);
    return found.filter(({ value }) => value !== null && decodeText(value) === id);
  };

  const results: Repeated[] = [];
  for (let turn = 0; turn < times; turn++) {
    // Warm, so that what is withheld is the acknowledgement and not the way there.
    await answered(`warm-${turn}`);
    proxy.inject({ kind: "silent", side: "target" });
    const id = `once-${turn}`;
    const lost = produce(id).catch(() => undefined);
    while ((await recordsWith(id)).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await bridge.kill();
    await lost;
    proxy.heal();
    bridge = await startBridgeProcess(bridge.port, place);
    const { offset } = await answered(id);
    const records = await recordsWith(id);
    results.push({ records: records.length, sameOffset: records[0]?.offset === offset });
  }
  return results;
}
