// What `npm run dev` and the tests use of the topics command.

export { openCluster, type Cluster } from "./cluster.ts";
export { compareTopics, type Finding, type FoundTopic } from "./compare.ts";
export { describeTopics, ensureTopics, type TopicsReport } from "./ensure.ts";
export { defaultRequestPartitions, newTopic, wantedTopics, type WantedTopic } from "./wanted.ts";
