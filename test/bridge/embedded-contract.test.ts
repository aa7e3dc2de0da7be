import { openEmbeddedLog } from "../../bridge/index.ts";
import type { Backend } from "./contract/backend.ts";
import { backendContract } from "./contract/index.ts";

const embedded: Backend = {
  name: "embedded log",
  async open() {
    const log = openEmbeddedLog();
    return { log, createTopic: async (name, partitions) => log.declareTopic(name, partitions) };
  },
};

backendContract(embedded);
