// The contract of a backend, kept by the bridge over a log of its own.

import { openEmbedded } from "../../bridge/index.ts";
import { backendContract } from "./contract/index.ts";

backendContract({
  name: "embedded log",
  async open() {
    const backend = openEmbedded();
    const createTopic = async (name: string, partitions: number): Promise<void> =>
      backend.log.declareTopics(new Map([[name, partitions]]));
    return { ...backend, createTopic };
  },
});
