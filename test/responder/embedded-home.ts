// What a responder of a test connects to: a bridge in this process, over a log in memory. It can be stopped and started.

import { onTestFinished } from "vitest";
import {
  openEmbeddedGroups,
  openEmbeddedLog,
  produceOnce,
  startBridge,
  type Bridge,
} from "../../bridge/index.ts";
import type { BridgeConnection } from "../../responder/index.ts";
import type { Home } from "./contract/stage.ts";

const user = { username: "dev", password: "dev" };

export interface BridgeHome extends Home {
  readonly connection: BridgeConnection;
  /** On the same port, over the same log. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function embedded(): Promise<BridgeHome> {
  const log = openEmbeddedLog({});
  const groups = openEmbeddedGroups({ log });
  const serve = (port: number): Promise<Bridge> =>
    startBridge({ host: "127.0.0.1", port, ...user, log: produceOnce(log), groups });
  let bridge = await serve(0);
  const { url } = bridge;
  onTestFinished(() => bridge.close());
  return {
    connection: { bridge: url, ...user },
    log,
    createTopic: async (name, partitions) => log.declareTopics(new Map([[name, partitions]])),
    addPartitions: async (name, count) => log.declareTopics(new Map([[name, count]])),
    stop: () => bridge.close(),
    async restart() {
      bridge = await serve(Number(new URL(url).port));
    },
  };
}
