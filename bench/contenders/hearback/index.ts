// Hearback twice: its objects in memory, and on disk. What runs is in start.ts.

import { readFile } from "node:fs/promises";
import type { Contender, RunningContender, Surroundings } from "../contender.ts";
import { Work } from "../../load/work.ts";
import { bundledGateway, startHearback } from "./start.ts";

export { startHearback, type HearbackOptions, type RunningHearback } from "./start.ts";

async function versionOf(name: string): Promise<readonly [name: string, version: string]> {
  const manifest = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string };
  return [name, version];
}

const shared = {
  versions: async () =>
    Object.fromEntries(await Promise.all(["workerd", "@platformatic/kafka"].map(versionOf))),
  prepare: async () => void (await bundledGateway()),
};

/** The first request wakes the drain, which then looks up where it begins: no caller of the bench is to wait for it. */
async function startAwake(storage: "memory" | "disk", surroundings: Surroundings): Promise<RunningContender> {
  const running = await startHearback({ storage, surroundings });
  const { body } = new Work("awake").question();
  const { status } = await running.ask(body);
  if (status === 200) return running;
  await running.stop();
  throw new Error(`the first request was answered with ${status}`);
}

export const hearbackMemory: Contender = {
  ...shared,
  id: "hearback-memory",
  title: "Hearback, in memory",
  start: (surroundings) => startAwake("memory", surroundings),
};

export const hearbackDisk: Contender = {
  ...shared,
  id: "hearback-disk",
  title: "Hearback, on disk",
  start: (surroundings) => startAwake("disk", surroundings),
};
