// The command line of `npm run kafka`: parsing and defaults only.

import { parseArgs } from "node:util";

export interface KafkaCommandOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly data: string;
}

export const kafkaUsage = `npm run kafka -- [options]
  --kafka-port N   port of the broker; 0: any free one (default 9092)
  --data DIR       data folder, kept between runs (default .kafka/data)
  --help           this text`;

export type ParsedKafkaOptions =
  | { readonly kind: "run"; readonly options: KafkaCommandOptions }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

export function parseKafkaOptions(args: readonly string[]): ParsedKafkaOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        "kafka-port": { type: "string", default: "9092" },
        data: { type: "string", default: ".kafka/data" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return { kind: "help" };
    const text = values["kafka-port"];
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port > 65_535) {
      throw new Error(`--kafka-port: received ${JSON.stringify(text)}; must be a port from 0 to 65535`);
    }
    return { kind: "run", options: { port, data: values.data } };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { kind: "wrong", message: `${message}\n\n${kafkaUsage}` };
  }
}
