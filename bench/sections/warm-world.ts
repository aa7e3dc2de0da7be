// A broker that has just started is slower than it will be: its compilers are to have seen the work before the first
// contender's turn, or that one would pay for all.

import { mkdir } from "node:fs/promises";
import { floor } from "../contenders/floor/index.ts";
import type { World } from "../world/index.ts";
import { loaderOf } from "./loader.ts";

const steps = [
  { perSecond: 500, seconds: 5 },
  { perSecond: 2_000, seconds: 5 },
];

export async function warmWorld(world: World, folder: string, log: (line: string) => void): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { brokers, topics } = world;
  const running = await floor.start({ brokers, topics, folder, onLine: log });
  try {
    await loaderOf("world", floor, running, world, log).warmUp(steps);
  } finally {
    await running.stop();
  }
}
