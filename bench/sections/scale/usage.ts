// Memory and CPU of Hearback's processes over a while in which nothing happens.

import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessWatch } from "../../world/process-watch.ts";
import { percentileOf } from "./figures.ts";

const bytesPerMiB = 1_048_576;
const everyMs = 100;

export interface Quiet {
  readonly seconds: number;
  /** Resident, in kB (1,000 bytes), by process: the middle of what was seen. */
  readonly kb: ReadonlyMap<string, number>;
  /** Of one core, by process. */
  readonly cpuPercent: ReadonlyMap<string, number>;
}

export async function watchQuiet(watch: ProcessWatch, ms: number): Promise<Quiet> {
  const seen: ReadonlyMap<string, number>[] = [watch.rssMiB()];
  const cpuBefore = watch.cpuSeconds();
  const startedAt = performance.now();
  while (performance.now() - startedAt + everyMs <= ms) {
    await sleep(everyMs);
    seen.push(watch.rssMiB());
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuAfter = watch.cpuSeconds();
  const names = [...cpuAfter.keys()];
  return {
    seconds,
    kb: new Map(
      names.map((name) => [
        name,
        (percentileOf(
          seen.map((each) => each.get(name) ?? 0),
          50,
        ) *
          bytesPerMiB) /
          1_000,
      ]),
    ),
    cpuPercent: new Map(
      names.map((name) => [name, (((cpuAfter.get(name) ?? 0) - (cpuBefore.get(name) ?? 0)) / seconds) * 100]),
    ),
  };
}

/** Of workerd and the bridge together. */
export function ofGateway(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, value) => sum + value, 0);
}
