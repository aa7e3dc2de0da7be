// The command line of `npm run topics`: parsing and defaults only.

import { parseArgs } from "node:util";
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

export type ParsedTopicsOptions =
  | { readonly kind: "run"; readonly options: TopicsOptions }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

export function parseTopicsOptions(args: readonly string[]): ParsedTopicsOptions {
  try {
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
    if (values.help) return { kind: "help" };
    return {
      kind: "run",
      options: {
        brokers: values.brokers,
        config: values.config,
        create: values.create,
        requestPartitions: countOf("--request-partitions", values["request-partitions"]),
        replicas: values.replicas === undefined ? undefined : countOf("--replicas", values.replicas),
      },
    };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { kind: "wrong", message: `${message}\n\n${topicsUsage}` };
  }
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000) {
    throw new Error(`${name}: received ${JSON.stringify(text)}; must be a whole number from 1 to 1000`);
  }
  return count;
}
