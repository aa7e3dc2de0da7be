// `npm run topics`: shows the topics of the config on a cluster, and makes them with --create.

import { parseArgs } from "node:util";
import { readKafkaConnection } from "../../bridge/index.ts";
import config from "../../hearback.config.ts";
import { checkTopics, type TopicReport } from "./index.ts";

const usage = `npm run topics -- [options]
  --brokers HOST:PORT,...   the cluster (default 127.0.0.1:9092)
  --create                  make what is missing
  --request-partitions N    of new request topics (default 3)
  --replicas N              of new topics (default: the cluster's own)
SASL and TLS: the KAFKA_ variables of bridge/README.md. Ends with 1 when a topic is missing or not fit for use.`;

try {
  const { values } = parseArgs({
    options: {
      brokers: { type: "string", default: "127.0.0.1:9092" },
      create: { type: "boolean", default: false },
      "request-partitions": { type: "string", default: "3" },
      replicas: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(usage);
  else {
    const reports = await checkTopics({
      connection: readKafkaConnection(values.brokers, process.env),
      services: config.services,
      create: values.create,
      requestPartitions: countOf("--request-partitions", values["request-partitions"]),
      replicas: values.replicas === undefined ? -1 : countOf("--replicas", values.replicas),
    });
    for (const line of reports.flatMap(linesOf)) console.log(line);
    if (reports.some(({ findings }) => findings.some(({ level }) => level === "error"))) {
      if (!values.create) console.log("\n--create makes what is missing.");
      process.exitCode = 1;
    }
  }
} catch (cause) {
  console.error(`topics: ${cause instanceof Error ? cause.message : String(cause)}`);
  process.exitCode = 1;
}

function countOf(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new RangeError(`${option} "${text}" is not a whole number above 0`);
  return Number(text);
}

function linesOf({ name, found, findings, done }: TopicReport): readonly string[] {
  const facts =
    found === undefined
      ? []
      : [
          `${found.partitions} partitions`,
          `${found.replicas} replicas`,
          `cleanup.policy ${found.cleanupPolicy}`,
          `retention ${retentionText(found.retentionMs)}`,
        ];
  return [
    [name, ...facts, ...(done === undefined ? [] : [`${done} now`])].join("  "),
    ...findings.map(({ level, text }) => `  ${level}: ${text}`),
  ];
}

function retentionText(ms: number): string {
  return ms < 0 ? "without end" : `${Math.round(ms / 3_600_000)} h`;
}
