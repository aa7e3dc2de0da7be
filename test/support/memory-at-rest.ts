// What a workerd keeps once its objects are out of memory and its garbage is collected, and what it keeps of objects
// that have nothing of ours: the local runtime holds on to some KiB of each object there ever was.

import { expect } from "vitest";
import { atRate } from "./pace.ts";
import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";

/** An object has three open files while it is in memory. */
const openFilesAtRest = 200;

export interface MemoryAtRest {
  /** Of workerd as a whole, in MiB. */
  readonly rss: number;
  /** Of the JavaScript heap that the Worker and its objects share, in MiB; NaN where it is not inspected. */
  readonly heap: number;
}

/** The middle of what is seen over some seconds. */
export async function memoryAtRest(
  gateway: RestartableGateway,
  collectGarbage: () => Promise<void>,
  isInspected: boolean,
): Promise<MemoryAtRest> {
  const openFiles = () => gateway.openFiles();
  await expect.poll(openFiles, { timeout: 60_000, interval: 500 }).toBeLessThan(openFilesAtRest);
  const seen: MemoryAtRest[] = [];
  for (let sample = 0; sample < 9; sample++) {
    await collectGarbage();
    seen.push({ rss: gateway.rssMiB(), heap: isInspected ? await gateway.heapMiB() : Number.NaN });
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const middle = (what: keyof MemoryAtRest) =>
    seen.map((each) => each[what]).toSorted((a, b) => a - b)[4] ?? Number.NaN;
  return { rss: middle("rss"), heap: middle("heap") };
}

export interface TwoHalves {
  readonly before: number;
  readonly after: number;
}

/** As many objects in each half, at the same rate, in a Worker that only parks them; after each, in MiB of RSS. */
export async function controlMemory(
  objectsPerHalf: number,
  perSecond: number,
  later: (cleanup: () => unknown) => void,
): Promise<TwoHalves> {
  const gateway = await startRestartableGateway(
    { entry: "test/fixtures/loop/control-entry.ts", name: "hearback-control", variables: {} },
    later,
  );
  const half = async (): Promise<number> => {
    await atRate(objectsPerHalf, perSecond, async () => (await fetch(gateway.url)).text());
    const collect = async () => void (await fetch(`${gateway.url}/_test/gc`));
    return (await memoryAtRest(gateway, collect, false)).rss;
  };
  const before = await half();
  return { before, after: await half() };
}
