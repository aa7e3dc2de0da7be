// What ghosts and expired requests leave behind, at volume. Client, service and bridge share the process of the test;
// workerd has its own. Latencies of waiters are in durable.test.ts.

import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";
import { expiringPerSecond, letExpire, sendGhosts } from "../support/ghosts.ts";
import { ledgerOf } from "../support/loop.ts";
import { controlMemory, memoryAtRest } from "../support/memory-at-rest.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { Proof } from "../support/proof.ts";
import { leftOnDisk } from "../support/waiter-storage.ts";

const proof = new Proof("durable-memory", "What ghosts and expired requests leave behind");
afterAll(() => proof.write());

const later = useCleanups();

const atRest = (loop: DurableLoop, isInspected: boolean) =>
  // Garbage is not growth.
  memoryAtRest(loop.gateway, () => loop.collectGarbage(), isInspected);

test("memory stays flat under 100,000 ghosts, and each of them has a verdict", async () => {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  const loop = await startDurableLoop(later, { isMeasured: true });
  const ended = await letExpire(loop, 400);
  await sendGhosts(loop, ended, 50_000);
  const before = await atRest(loop, true);
  await sendGhosts(loop, ended, 50_000);
  const after = await atRest(loop, true);
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

test("10,000 requests that expire leave no heap, no row and no alarm", async () => {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  const loop = await startDurableLoop(later, { isMeasured: true });
  await letExpire(loop, 5_000);
  const rowsBetween = leftOnDisk(loop.gateway.waiters).rows;
  const before = await atRest(loop, true);
  await letExpire(loop, 5_000);
  const after = await atRest(loop, true);
  proof.add(
    "10,000 requests that expire, 1,000 of them durable: JavaScript heap at rest after each half",
    twoHalves(before.heap, after.heap),
  );
  proof.add("the same, RSS of workerd", `${twoHalves(before.rss, after.rss)}; objects ${objects.where}`);
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

  const control = await controlMemory(5_000, expiringPerSecond, later);
  proof.add(
    "control: as many objects that only park a socket and set an alarm, with nothing of ours, RSS of workerd",
    twoHalves(control.before, control.after),
  );
  const beyondControl = after.rss - before.rss - (control.after - control.before);
  const kibEach = (beyondControl * 1_024) / 5_000;
  proof.add(
    "growth of RSS beyond the control's",
    `${percent(beyondControl, before.rss)} of RSS after the first half, ${kibEach.toFixed(1)} KiB a request`,
  );
  expect(after.heap - before.heap).toBeLessThan(1);
  // What is left of it differs from run to run. A body or a socket that stays would be ten times as much.
  expect(kibEach).toBeLessThan(32);
}, 600_000);

const twoHalves = (before: number, after: number): string =>
  `${before.toFixed(1)} MiB, ${after.toFixed(1)} MiB (${percent(after - before, before)})`;

const percent = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(1)} %`;
