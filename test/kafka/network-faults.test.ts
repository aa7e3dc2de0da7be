// A broker that hangs, and a network that falls silent or breaks off between it and those who speak to it natively: the
// bridge and a responder. What is durable is answered, from one record; the rest ends in its answer or a problem.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import { handlePredict } from "../../examples/predict/handler.ts";
import { createResponder } from "../../responder/index.ts";
import { decodeText } from "../../protocol/index.ts";
import { atOnce } from "../support/bridge.ts";
import { keyed } from "../support/durable-loop.ts";
import { countFates, startLoad } from "../support/load.ts";
import { createTopics, startBrokerBehindProxy, type BrokerBehindProxy } from "../support/loop-on-kafka.ts";
import { ledgerOf, startBridgeProcess, startGateway, topics, type Gateway } from "../support/loop.ts";

const lasts = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const patience = { timeout: 40_000, interval: 50 };

describe.skipIf(inject("kafkaBrokers") === null)("on a real Kafka", { timeout: 60_000 }, () => {
  const cleanups: (() => unknown)[] = [];
  let kafka: BrokerBehindProxy;
  let gateway: Gateway;

  beforeAll(async () => {
    const later = (cleanup: () => unknown) => cleanups.push(cleanup);
    const folder = await mkdtemp(join(tmpdir(), "hearback-kafka-"));
    later(() => rm(folder, { recursive: true, force: true }));
    kafka = await startBrokerBehindProxy(folder, later);
    await createTopics(kafka.broker.bootstrap, topics);
    const bridge = await startBridgeProcess(0, { brokers: kafka.throughProxy });
    later(() => bridge.stop());
    gateway = await startGateway("together", bridge.url);
    later(() => gateway.stop());
    const responder = createResponder({
      kafka: { brokers: [kafka.throughProxy] },
      topic: "inference.requests.v1",
      replyTopics: ["inference.replies.*"],
      handler: handlePredict,
      onEvent: () => {},
    });
    const running = responder.run();
    later(() => {
      responder.stop();
      return running;
    });
  });
  afterAll(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  });

  /** Asks until it is taken, then at its `Location` until it is answered. */
  async function durably(id: string): Promise<unknown> {
    for (;;) {
      const taken = await fetch(`${gateway.url}/predict`, {
        method: "POST",
        headers: { ...keyed(id), prefer: "respond-async", "content-type": "application/json" },
        body: JSON.stringify({ id, features: [7] }),
      });
      const said: unknown = await taken.json();
      if (taken.status === 200) return said;
      // 503: nobody knows yet whether the record is written.
      expect([202, 503]).toContain(taken.status);
      if (taken.status === 503) await lasts(250);
      const location = taken.headers.get("location");
      if (location === null) continue;
      const answer = await fetch(`${gateway.url}${location}`, { headers: { prefer: "wait=5" } });
      const body: unknown = await answer.json();
      if (answer.status === 200) return body;
    }
  }

  async function recordsOf(ids: readonly string[]): Promise<readonly number[]> {
    const witness = openKafka({ brokers: [kafka.broker.bootstrap], onEvent: () => undefined });
    try {
      const partitions = [0, 1, 2].map((partition) => ({ topic: "inference.requests.v1", partition }));
      const starts = await witness.log.offsets("earliest", partitions);
      const found = await witness.log.fetch(starts, { ...atOnce, strict: true });
      const bodies = found.map(({ value }) => decodeText(value ?? new Uint8Array()) ?? "");
      return ids.map((id) => bodies.filter((body) => body.includes(id)).length);
    } finally {
      await witness.close();
    }
  }

  const broken: readonly { readonly what: string; readonly during: () => Promise<void> }[] = [
    {
      what: "the broker is stopped for 5 s and goes on",
      async during() {
        process.kill(kafka.broker.pid, "SIGSTOP");
        await lasts(5_000);
        process.kill(kafka.broker.pid, "SIGCONT");
      },
    },
    {
      what: "the network falls silent, and the connections of before stay so",
      async during() {
        kafka.proxy.inject({ kind: "silent", side: "both" });
        await lasts(1_000);
        kafka.proxy.heal();
      },
    },
    {
      what: "every answer of the broker breaks off, for 2 s",
      async during() {
        kafka.proxy.inject({ kind: "cut", afterBytes: 40, by: "RST" });
        await lasts(2_000);
        kafka.proxy.heal();
      },
    },
    {
      what: "the network is slow and jitters",
      async during() {
        kafka.proxy.inject({ kind: "slow", latencyMs: 50, jitterMs: 100 });
        await lasts(2_000);
        kafka.proxy.heal();
      },
    },
  ];

  test.each(broken)(
    "while $what, what is durable is answered from one record, and the rest ends in its answer, 503 or 504",
    async ({ during }) => {
      const load = startLoad(`${gateway.url}/predict`, 10);
      const answeredSince = (since: number) => () =>
        load.fates.filter(({ begunAt, fate }) => begunAt > since && fate === "answered").length;
      await expect.poll(answeredSince(0), patience).toBeGreaterThan(5);
      const breaking = during();
      const ids = Array.from({ length: 6 }, () => randomUUID());
      const asked = ids.map(async (id, at) => {
        await lasts(at * 200);
        return durably(id);
      });
      await breaking;
      const brokenUntil = Date.now();
      expect(await Promise.all(asked)).toMatchObject(ids.map((id) => ({ id, prediction: 7 })));
      await expect.poll(answeredSince(brokenUntil), patience).toBeGreaterThan(10);
      const fates = countFates(await load.finish());
      expect(Object.keys(fates).filter((fate) => !["answered", "503", "504"].includes(fate))).toEqual([]);
      expect(await recordsOf(ids)).toEqual(ids.map(() => 1));
      const { read, settled, inFlight } = await ledgerOf(gateway.url);
      expect(settled + inFlight).toBe(read);
    },
  );
});
