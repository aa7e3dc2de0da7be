// Tells when the next requests are due. It waits in a thread of its own: timers of an event loop come up to 1 ms late,
// which is half of what the fastest contender takes.

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

interface Plan {
  readonly intervalMs: number;
  readonly count: number;
}

/** Epoch of both threads: `performance.now()` counts from each thread's own beginning. */
const now = (): number => performance.timeOrigin + performance.now();

/** Closer together than this, requests are begun in one go: each keeps its own intended time. */
const shortestWaitMs = 0.5;

/**
 * Calls `due(n, intended)` for each request of `count`, at a steady rate; `intended` in ms of `clock()`. Resolves when
 * the last one is due.
 */
export async function pace(
  perSecond: number,
  count: number,
  due: (n: number, intended: number) => void,
): Promise<void> {
  const plan: Plan = { intervalMs: 1_000 / perSecond, count };
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  const ended = Promise.withResolvers<void>();
  let next = 0;
  worker.on("message", ({ startedAt, upTo }: { startedAt: number; upTo: number }) => {
    for (; next < upTo; next++) due(next, startedAt + next * plan.intervalMs);
  });
  worker.once("error", ended.reject);
  worker.once("exit", () => ended.resolve());
  await ended.promise;
}

/** Ms since the epoch, in fractions of a ms: the clock of intended times. */
export const clock = now;

function keepTime({ intervalMs, count }: Plan): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const startedAt = now() + 10;
  let upTo = 0;
  while (upTo < count) {
    const wait = startedAt + upTo * intervalMs - now();
    if (wait > 0) Atomics.wait(cell, 0, 0, Math.max(wait, shortestWaitMs));
    const due = Math.min(count, Math.floor((now() - startedAt) / intervalMs) + 1);
    if (due > upTo) {
      upTo = due;
      parentPort?.postMessage({ startedAt, upTo });
    }
  }
}

if (!isMainThread && parentPort !== null) keepTime(workerData as Plan);
