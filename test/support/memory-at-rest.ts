// What a workerd keeps once its objects are out of memory and its garbage is collected, and what it keeps of objects
// that have nothing of ours: the local runtime holds on to some KiB of each object there ever was.

import { expect } from "vitest";
import { newObjects, newObjectsPerSecond } from "./ghosts.ts";
import { atRate } from "./pace.ts";
import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";

/** An object has three open files while it is in memory. */
const openFilesAtRest = 200;

/** In MiB; the middle of what is seen over some seconds. */
export async function memoryAtRest(
  gateway: RestartableGateway,
  collectGarbage: () => Promise<void>,
): Promise<number> {
  const openFiles = () => gateway.openFiles();
  await expect.poll(openFiles, { timeout: 60_000, interval: 500 }).toBeLessThan(openFilesAtRest);
  const seen: number[] = [];
  for (let sample = 0; sample < 9; sample++) {
    await collectGarbage();
    seen.push(gateway.rssMiB());
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return seen.toSorted((a, b) => a - b)[4] ?? Number.NaN;
}

/** The same number of objects, at the same rate, in a Worker that only parks. */
export async function controlMemory(
  later: (cleanup: () => unknown) => void,
): Promise<{ readonly before: number; readonly after: number; readonly grown: number }> {
  const gateway = await startRestartableGateway(
    { entry: "test/fixtures/loop/control-entry.ts", name: "hearback-control", variables: {} },
    later,
  );
  const half = async (): Promise<number> => {
    await atRate(newObjects, newObjectsPerSecond, async () => (await fetch(gateway.url)).text());
    return memoryAtRest(gateway, async () => void (await fetch(`${gateway.url}/_test/gc`)));
  };
  const before = await half();
  const after = await half();
  return { before, after, grown: after - before };
}
