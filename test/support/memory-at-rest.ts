// What a workerd keeps once its objects are out of memory and its garbage is collected.

import { expect } from "vitest";
import type { RestartableGateway } from "./restartable-gateway.ts";

/** An object has three open files while it is in memory. */
const openFilesAtRest = 200;

export interface MemoryAtRest {
  /** Of workerd as a whole, in MiB. */
  readonly rss: number;
  /** Of the JavaScript heap that the Worker and its objects share, in MiB. */
  readonly heap: number;
}

/** The middle of what is seen over some seconds, of a gateway that is measured. */
export async function memoryAtRest(
  gateway: RestartableGateway,
  collectGarbage: () => Promise<void>,
): Promise<MemoryAtRest> {
  const openFiles = () => gateway.openFiles();
  await expect.poll(openFiles, { timeout: 60_000, interval: 500 }).toBeLessThan(openFilesAtRest);
  const seen: MemoryAtRest[] = [];
  for (let sample = 0; sample < 9; sample++) {
    await collectGarbage();
    seen.push({ rss: gateway.rssMiB(), heap: await gateway.heapMiB() });
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const middle = (what: keyof MemoryAtRest) =>
    seen.map((each) => each[what]).toSorted((a, b) => a - b)[4] ?? Number.NaN;
  return { rss: middle("rss"), heap: middle("heap") };
}
