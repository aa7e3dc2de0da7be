// The command line of `npm run topics`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../command-line.ts";
import { defaultRequestPartitions } from "./wanted.ts";

export interface TopicsOptions {
  /** `host:port`, several with commas between. */
  readonly brokers: string;
  readonly config: string;
  readonly create: boolean;
  readonly requestPartitions: number;
  /** Undefined: by the number of brokers. */
  readonly replicas: number | undefined;
}

export const topicsUsage = `npm run topics -- [options]
Describes the topics of the config, and says what is missing or dangerous (exit code 1 then).
  --brokers LIST            host:port of one or more brokers, with commas (default 127.0.0.1:9092)
  --config FILE             the config (default hearback.config.ts)
  --create                  create missing topics, add missing reply partitions
  --request-partitions N    partitions of a new request topic (default ${defaultRequestPartitions})
  --replicas N              replicas of a new topic (default: 3, or the number of brokers if less)
  --help                    this text
KAFKA_SASL_* and KAFKA_TLS* in the environment say how to connect, as they do for the bridge.`;

export function parseTopicsOptions(args: readonly string[]): Parsed<TopicsOptions> {
  return parseCommandLine(topicsUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        brokers: { type: "string", default: "127.0.0.1:9092" },
        config: { type: "string", default: "hearback.config.ts" },
        create: { type: "boolean", default: false },
        "request-partitions": { type: "string", default: String(defaultRequestPartitions) },
        replicas: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    const countOf = (option: string, text: string) => numberOf(option, text, 1, 1_000);
    return {
      brokers: values.brokers,
      config: values.config,
      create: values.create,
      requestPartitions: countOf("--request-partitions", values["request-partitions"]),
      replicas: values.replicas === undefined ? undefined : countOf("--replicas", values.replicas),
    };
  });
}
