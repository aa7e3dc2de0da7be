// Three brokers that replicate to each other, and a load through a bridge on them that knows what became of every
// record: how often it is in its topic, and whether it is where its producer was told.

import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { freePort } from "../../dev/ports.ts";
import { startKafka, type KafkaBroker } from "../../dev/kafka/index.ts";
import { basic, raw } from "./bridge.ts";
import { password, startBridgeProcess, user } from "./loop.ts";

type Later = (cleanup: () => unknown) => void;

export interface KafkaCluster {
  readonly brokers: readonly KafkaBroker[];
  readonly bootstrap: string;
}

/** Any one of the three may be away. */
export async function startCluster(folder: string, later: Later): Promise<KafkaCluster> {
  const ports = await Promise.all(
    [1, 2, 3].map(async (id) => ({ id, plain: await freePort(), controller: await freePort() })),
  );
  const voters = ports.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join();
  // None is ready before another one is.
  const brokers = await Promise.all(
    ports.map(({ id, plain, controller }) =>
      startKafka({
        port: plain,
        data: join(folder, String(id)),
        properties: {
          "node.id": String(id),
          "controller.quorum.voters": voters,
          listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
          "offsets.topic.replication.factor": "3",
        },
      }),
    ),
  );
  // Together: one alone cannot hand over what it leads, and waits.
  later(() => Promise.all(brokers.map((broker) => broker.kill9())));
  return { brokers, bootstrap: brokers.map((broker) => broker.bootstrap).join() };
}

export interface RecordFates {
  readonly produced: number;
  /** How many were refused, or answered with 503, at least once, and were produced again. */
  readonly repeated: number;
  /** Not in the topic. */
  readonly lost: readonly string[];
  /** In the topic more than once. */
  readonly twice: readonly string[];
  /** Not where their producers were told. */
  readonly elsewhere: readonly string[];
  /** The longest that a poll of 1,000 ms took. */
  readonly slowestPollMs: number;
}

const topic = "replicated";
const partitions = 6;
const pauseMs = 200;

/** 100 records a second with produce IDs, repeated until they are taken, while `breakIt` runs. Reads all of them. */
export async function recordsThroughBridge(
  { bootstrap }: KafkaCluster,
  later: Later,
  breakIt: () => Promise<void>,
): Promise<RecordFates> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: bootstrap.split(",") });
  const configs = [{ name: "min.insync.replicas", value: "2" }];
  await admin.createTopics({ topics: [topic], partitions, replicas: 3, configs });
  await admin.close();
  const bridge = await startBridgeProcess(0, { brokers: bootstrap });
  later(() => bridge.stop());
  const post = (path: string, body: unknown) =>
    raw(bridge.url + path, { method: "POST", body, headers: { authorization: basic(user, password) } });

  const told = new Map<string, string>();
  const found = new Map<string, Set<string>>();
  const repeated = new Set<string>();
  let slowestPollMs = 0;
  let ended = false;

  async function produce(id: string): Promise<void> {
    for (;;) {
      const headers = [{ key: "X-Produce-ID", value: id }];
      const { status, json } = await post("/produce", { topic, key: id, value: id, headers });
      if (status === 200) {
        const [{ partition, offset } = {}] = json as { partition?: number; offset?: number }[];
        told.set(id, `${partition}/${offset}`);
        return;
      }
      repeated.add(id);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async function read(): Promise<void> {
    const next = Array.from({ length: partitions }, () => 0);
    let emptyPolls = 0;
    // Two polls without a record, after the last produce was answered, are the end.
    while (!ended || emptyPolls < 2) {
      const topicPartitionOffsets = next.map((offset, partition) => ({ topic, partition, offset }));
      const startedAt = Date.now();
      const { json } = await post("/fetch", { topicPartitionOffsets, timeout: 1_000 });
      slowestPollMs = Math.max(slowestPollMs, Date.now() - startedAt);
      const records = json as { partition: number; offset: number; value: string }[];
      for (const { partition, offset, value } of records) {
        next[partition] = offset + 1;
        found.set(value, (found.get(value) ?? new Set()).add(`${partition}/${offset}`));
      }
      emptyPolls = records.length === 0 ? emptyPolls + 1 : 0;
    }
  }

  const reading = read();
  const producing: Promise<void>[] = [];
  const ticking = setInterval(() => producing.push(produce(`id-${producing.length}`)), 10);
  await breakIt();
  clearInterval(ticking);
  await Promise.all(producing);
  ended = true;
  await reading;
  const all = [...told.keys()];
  return {
    produced: all.length,
    repeated: repeated.size,
    lost: all.filter((id) => !found.has(id)),
    twice: all.filter((id) => (found.get(id)?.size ?? 0) > 1),
    elsewhere: all.filter((id) => found.has(id) && found.get(id)?.has(told.get(id) ?? "") !== true),
    slowestPollMs,
  };
}
