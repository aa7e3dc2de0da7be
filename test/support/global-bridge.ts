// One bridge for all tests of the Workers runtime: real HTTP, embedded log in memory, any free port.

import type { TestProject } from "vitest/node";
import { openEmbeddedGroups, openEmbeddedLog, produceOnce, startBridge } from "../../bridge/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    bridgeUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const embedded = openEmbeddedLog();
  const log = produceOnce(embedded);
  const groups = openEmbeddedGroups({ log: embedded });
  const bridge = await startBridge({
    host: "127.0.0.1",
    port: 0,
    username: "dev",
    password: "dev",
    log,
    groups,
  });
  project.provide("bridgeUrl", bridge.url);
  return () => bridge.close();
}
