import { describeGroups } from "./contract/groups.ts";
import { password, testBridge, username } from "./support.ts";

describeGroups("the embedded log", async () => {
  const bridge = await testBridge();
  const createTopic = async (name: string, partitions: number): Promise<void> =>
    bridge.log.declareTopics(new Map([[name, partitions]]));
  return { url: bridge.url, username, password, createTopic };
});
