// `npm run topics`: what the topics of the config look like on a cluster. Prints; decides nothing.

import { messageOf, readKafkaConnection } from "../../kafka/native/index.ts";
import { optionsOrExit } from "../command-line.ts";
import { loadConfig } from "../config-file.ts";
import { openCluster } from "./cluster.ts";
import { describeTopics, ensureTopics } from "./ensure.ts";
import { parseTopicsOptions, type TopicsOptions } from "./options.ts";
import { wantedTopics } from "./wanted.ts";

/** Whether all is well. Throws with a sentence for the user. */
async function run({
  brokers,
  config,
  create,
  requestPartitions,
  replicas,
}: TopicsOptions): Promise<boolean> {
  const { services } = await loadConfig(config);
  const wanted = wantedTopics(services, requestPartitions);
  const cluster = openCluster(readKafkaConnection(brokers, process.env));
  try {
    const { topics, findings, done } = await (
      create ? ensureTopics(cluster, wanted, replicas) : describeTopics(cluster, wanted)
    ).catch((cause: unknown) => {
      throw new Error(`${brokers}: ${messageOf(cause)}`, { cause });
    });
    for (const line of done) console.log(line);
    for (const topic of topics) {
      const retention = topic.retentionMs < 0 ? "for ever" : `${topic.retentionMs / 1_000} s`;
      console.log(
        `${topic.name}: ${topic.partitions} partitions, replication ${topic.replicas} (min in sync ${topic.minInsyncReplicas}), cleanup.policy ${topic.cleanupPolicy}, kept ${retention}`,
      );
    }
    for (const { topic, kind, text } of findings) console.log(`${kind}: ${topic} ${text}`);
    if (!create && findings.some(({ remedy }) => remedy !== undefined)) {
      console.log("--create creates what is missing");
    }
    return findings.every(({ kind }) => kind === "note");
  } finally {
    await cluster.close().catch(() => undefined);
  }
}

const options = optionsOrExit(parseTopicsOptions(process.argv.slice(2)));
try {
  if (!(await run(options))) process.exitCode = 1;
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
}
