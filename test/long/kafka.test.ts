// The loop and the bridge on a real Kafka, at volume and with figures: deaths under load, repeats after a kill,
// latency beside the native client, memory.

import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { measureBridge, measureNative, type Latencies } from "../../bench/bridge-latency.ts";
import { basic, temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { recordsThroughBridge, startCluster } from "../support/kafka-cluster.ts";
import { countFates, startLoad, type Fate, type Load } from "../support/load.ts";
import { createTopics, killBetweenAppendAndAnswer, startLoopOnKafka } from "../support/loop-on-kafka.ts";
import { password, startBridgeProcess, user } from "../support/loop.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { useOwnBroker } from "../support/own-broker.ts";
import { Proof } from "../support/proof.ts";

const proof = new Proof("kafka", "The loop and the bridge on Apache Kafka");
const later = useCleanups();
const perSecond = 200;
const allowed = new Set(["answered", "503", "504"]);

const broker = useOwnBroker();
afterAll(() => proof.write());

/** As the only thing a test waits for by the clock: how long a state lasts is what it is about. */
const lasts = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function report(what: string, fates: readonly Fate[], backAt: number): void {
  const counts = Object.entries(countFates(fates)).map(([fate, count]) => `${count} ${fate}`);
  const lastBad = Math.max(
    0,
    ...fates.filter(({ fate }) => fate !== "answered").map(({ begunAt }) => begunAt),
  );
  const healed =
    lastBad > backAt
      ? `${((lastBad - backAt) / 1_000).toFixed(1)} s after it was back`
      : "before it was back";
  proof.add(
    what,
    `${fates.length} requests: ${counts.join(", ")}; the last one not answered began ${healed}`,
  );
}

/** Load before, during and after; `breakIt` resolves when what died is back. */
async function underLoad(what: string, url: string, breakIt: () => Promise<void>): Promise<void> {
  const load: Load = startLoad(`${url}/predict`, perSecond);
  await lasts(5_000);
  await breakIt();
  const backAt = Date.now();
  await lasts(15_000);
  const fates = await load.finish();
  report(what, fates, backAt);
  expect(fates.filter(({ fate }) => !allowed.has(fate))).toEqual([]);
  const after = fates.filter(({ begunAt }) => begunAt >= backAt + 10_000);
  expect(after.length).toBeGreaterThan(perSecond * 4);
  expect(after.filter(({ fate }) => fate !== "answered")).toEqual([]);
}

test("a broker, a bridge and a drain killed under load: 503 or 504 at worst, and all is answered 10 s after they are back", async () => {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  proof.add("objects of the gateway in the three runs below", objects.where);
  const loop = await startLoopOnKafka(broker().bootstrap, later);
  const warmUp = startLoad(`${loop.url}/predict`, 50);
  await lasts(5_000);
  await warmUp.finish();
  await underLoad(
    `${perSecond} req/s, broker killed with -9, started again after 5 s`,
    loop.url,
    async () => {
      await broker().kill9();
      await lasts(5_000);
      await broker().restart();
    },
  );
  await underLoad(
    `${perSecond} req/s, bridge killed with -9, started again after 5 s`,
    loop.url,
    async () => {
      await loop.bridge.kill();
      await lasts(5_000);
      await loop.restartBridge();
    },
  );
  await underLoad(`${perSecond} req/s, drain object reset`, loop.url, () => loop.resetDrain());
});

test("a bridge killed with -9 between append and answer, 20 times: one record for each produce ID", async () => {
  const own = await temporaryFolder();
  const results = await killBetweenAppendAndAnswer({ folder: own, times: 20, later });
  const once = results.filter(({ records, sameOffset }) => records === 1 && sameOffset).length;
  proof.add(
    "bridge killed with -9 between append and answer, then the produce repeated",
    `20 times: ${once} times one record, at the offset that the repeat was told`,
  );
  expect(once).toBe(20);
});

test("three brokers: one killed, one hung, one shut down, and every record is there once", async () => {
  const own = await temporaryFolder();
  const cluster = await startCluster(own, later);
  const [first, second, third] = cluster.brokers;
  const fates = await recordsThroughBridge(cluster, later, async () => {
    await lasts(3_000);
    await second?.kill9();
    await lasts(8_000);
    await second?.restart();
    await lasts(5_000);
    process.kill(third?.pid ?? 0, "SIGSTOP");
    await lasts(15_000);
    process.kill(third?.pid ?? 0, "SIGCONT");
    await lasts(5_000);
    await first?.stop();
    await lasts(5_000);
    await first?.restart();
    await lasts(5_000);
  });
  proof.add(
    "three brokers, 100 records/s through the bridge; one killed with -9, one hung for 15 s, one shut down",
    `${fates.produced} records, ${fates.repeated} of them repeated until they were taken: ${fates.lost.length} lost, ${fates.twice.length} there twice, ${fates.elsewhere.length} not where the producer was told; slowest poll of 1 s took ${(fates.slowestPollMs / 1_000).toFixed(1)} s`,
  );
  expect(fates).toMatchObject({ lost: [], twice: [], elsewhere: [] });
});

test("the bridge alone: latency beside the native client, and memory that stays flat", async () => {
  const partitions = 3;
  await createTopics(broker().bootstrap, new Map([["bench", partitions]]));
  const bridge = await startBridgeProcess(0, { brokers: broker().bootstrap });
  later(() => bridge.stop());
  const address = { url: bridge.url, authorization: basic(user, password) };
  const load = (perSecondNow: number, count: number) => ({
    topic: "bench",
    partitions,
    perSecond: perSecondNow,
    count,
  });
  const show = ({ p50, p99 }: Latencies) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  // Compilers and connections, on both sides.
  await measureBridge(address, load(500, 5_000));
  await measureNative(broker().bootstrap, load(500, 5_000));
  for (const [rate, count] of [
    [1, 20],
    [100, 2_000],
    [1_000, 20_000],
  ] as const) {
    const throughBridge = await measureBridge(address, load(rate, count));
    const native = await measureNative(broker().bootstrap, load(rate, count));
    proof.add(
      `produce to fetch at ${rate} records/s`,
      `bridge ${show(throughBridge)}; native client ${show(native)}`,
    );
  }
  const rss = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bridge.pid}/status`, "utf8"))?.[1]) / 1_024;
  /** Of a single moment it would say how much garbage there just was; so it is the middle of what was seen. */
  const during = async (measuring: Promise<Latencies>) => {
    const seen: number[] = [];
    const sampling = setInterval(() => seen.push(rss()), 500);
    const { max } = await measuring;
    clearInterval(sampling);
    // The second half: what the first fills is not growth.
    const late = seen.slice(seen.length / 2).toSorted((x, y) => x - y);
    return { max, median: late[Math.floor(late.length / 2)] ?? Number.NaN };
  };
  // A pause of the machine would end in a burst, and a burst in memory: the slowest record would show it.
  const { max: firstMax, median: first } = await during(measureBridge(address, load(2_000, 100_000)));
  const { max: secondMax, median: second } = await during(measureBridge(address, load(2_000, 100_000)));
  const growth = ((second - first) / first) * 100;
  proof.add(
    "RSS of the bridge, median over the second half of 100,000 records and of 100,000 more",
    `${first.toFixed(0)} MiB, ${second.toFixed(0)} MiB (${growth.toFixed(1)} %) at 2,000 records/s; slowest record ${firstMax.toFixed(0)} ms, ${secondMax.toFixed(0)} ms`,
  );
  expect(growth).toBeLessThan(5);
});
