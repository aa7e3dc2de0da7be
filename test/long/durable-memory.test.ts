// What ghosts and expired requests leave behind, at volume. Client, service and bridge share the process of the test;
// workerd has its own. Latencies of waiters are in durable.test.ts.

import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";
import { letExpire, sendGhosts } from "../support/ghosts.ts";
import { ledgerOf } from "../support/loop.ts";
import { memoryAtRest } from "../support/memory-at-rest.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { Proof } from "../support/proof.ts";
import { leftOnDisk } from "../support/waiter-storage.ts";

const proof = new Proof("durable-memory", "What ghosts and expired requests leave behind");
afterAll(() => proof.write());

const later = useCleanups();

const atRest = (loop: DurableLoop) => memoryAtRest(loop.gateway, () => loop.collectGarbage());

test("memory stays flat under 100,000 ghosts, and each of them has a verdict", async () => {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  const loop = await startDurableLoop(later, { isMeasured: true });
  const ended = await letExpire(loop, 400);
  await sendGhosts(loop, ended, 50_000);
  const before = await atRest(loop);
  await sendGhosts(loop, ended, 50_000);
  const after = await atRest(loop);
  const settled = async (): Promise<number> => {
    await loop.tick();
    return (await ledgerOf(loop.gateway.url)).settled;
  };
  await expect.poll(settled, { timeout: 60_000, interval: 500 }).toBe(100_000);
  const { verdicts } = await ledgerOf(loop.gateway.url);
  proof.add("100,000 ghosts, a tenth of them without headers", JSON.stringify(verdicts));
  proof.add(
    "at rest after each half of them: RSS of workerd, JavaScript heap of the Worker and its objects",
    `${twoHalves(before.rss, after.rss)}; ${twoHalves(before.heap, after.heap)}`,
  );
  expect(after.rss / before.rss).toBeLessThan(1.05);
}, 600_000);

test("10,000 requests that expire leave no memory, no row and no alarm", async () => {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  const loop = await startDurableLoop(later, { isMeasured: true });
  // The local runtime remembers an object for 70 s, longer than a half takes; only then are there as many as ever.
  await letExpire(loop, 5_000);
  const warm = await atRest(loop);
  await letExpire(loop, 5_000);
  const rowsBetween = leftOnDisk(loop.gateway.waiters).rows;
  const before = await atRest(loop);
  await letExpire(loop, 5_000);
  const after = await atRest(loop);
  proof.add(
    "10,000 requests that expire after 5,000 to warm up, a tenth of them durable: JavaScript heap at rest after each half",
    twoHalves(before.heap, after.heap),
  );
  proof.add(
    "the same, RSS of workerd",
    `${twoHalves(before.rss, after.rss)}; after the warm-up ${warm.rss.toFixed(1)} MiB; objects ${objects.where}`,
  );
  const left = () => {
    const { rows, alarms } = leftOnDisk(loop.gateway.waiters);
    return { rows, alarms };
  };
  await expect.poll(left, { timeout: 60_000, interval: 1_000 }).toEqual({ rows: 0, alarms: 0 });
  const { objects: count, written } = leftOnDisk(loop.gateway.waiters);
  proof.add(
    "what they leave after retention",
    `of ${count} objects ${written} had written something; 0 rows, 0 alarms (between the halves ${rowsBetween} rows)`,
  );
  expect(rowsBetween).toBeGreaterThan(0);

  expect(after.heap - before.heap).toBeLessThan(1);
  expect(after.rss / before.rss).toBeLessThan(1.05);
}, 600_000);

const twoHalves = (before: number, after: number): string =>
  `${before.toFixed(1)} MiB, ${after.toFixed(1)} MiB (${percent(after - before, before)})`;

const percent = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(1)} %`;
