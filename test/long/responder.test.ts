// The responder kit alone, at volume and with figures: beside a bare loop of the same client, in the same run.

import { afterAll, expect, test } from "vitest";
import { openEcho, type EchoLatencies } from "../../bench/responder-latency.ts";
import { runCommand } from "../support/command.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import { useOwnBroker } from "../support/own-broker.ts";
import { Proof } from "../support/proof.ts";

const proof = new Proof("responder", "The responder kit on Apache Kafka");
const partitions = 3;

const broker = useOwnBroker();
afterAll(() => proof.write());

const contenders = ["kit", "bare"] as const;
type Contender = (typeof contenders)[number];

/** Topics of its own, and a way to start the contender on them. */
async function stageFor(contender: Contender, name: string) {
  const topics = {
    broker: broker().bootstrap,
    requests: `${name}.${contender}.requests`,
    replies: `${name}.${contender}.replies`,
    partitions,
  };
  const sizes = new Map([topics.requests, topics.replies].map((topic) => [topic, partitions]));
  await createTopics(broker().bootstrap, sizes);
  const echo = await openEcho(topics);
  const start = () => {
    const args = [`bench/echo/${contender}.ts`, topics.broker, topics.requests, topics.replies];
    const command = runCommand(process.execPath, args);
    return async (): Promise<void> => {
      command.signal("SIGTERM");
      await command.ended;
    };
  };
  return { echo, start };
}

test("request record to reply record: latency at steady rates, interleaved with the bare client", async () => {
  const show = ({ p50, p99 }: EchoLatencies) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  const stages = [];
  for (const contender of contenders) {
    const { echo, start } = await stageFor(contender, "latency");
    const stop = start();
    // Its group, compilers and connections.
    await echo.latencies(500, 5_000);
    stages.push({ contender, echo, stop });
  }
  for (const [rate, count] of [
    [10, 200],
    [100, 2_000],
    [1_000, 20_000],
  ] as const) {
    const figures = [];
    for (const { contender, echo } of stages) {
      const found = await echo.latencies(rate, count);
      figures.push(`${contender} ${show(found)}`);
      expect(found.p99).toBeLessThan(Infinity);
    }
    proof.add(`request to reply at ${rate} records/s`, figures.join("; "));
  }
  for (const { echo, stop } of stages) {
    await stop();
    await echo.close();
  }
});

test("records a second, when all are there already, in turns with the bare client", async () => {
  const count = 50_000;
  const rates = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < 3; round++) {
    for (const contender of contenders) {
      const { echo, start } = await stageFor(contender, `round-${round}`);
      await echo.fill(count);
      const stop = start();
      rates.get(contender)?.push(await echo.throughput(count));
      await stop();
      await echo.close();
    }
  }
  for (const [contender, found] of rates) {
    proof.add(
      `echo of ${count} records of 512 bytes, ${contender}, in three rounds`,
      `${found.map((rate) => rate.toFixed(0)).join(", ")} records/s`,
    );
    expect(Math.min(...found)).toBeGreaterThan(0);
  }
});
