// The command line of `npm run kafka`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../command-line.ts";

export interface KafkaCommandOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly data: string;
}

export const kafkaUsage = `npm run kafka -- [options]
  --kafka-port N   port of the broker; 0: any free one (default 9092)
  --data DIR       data folder, kept between runs (default .kafka/data)
  --help           this text`;

export function parseKafkaOptions(args: readonly string[]): Parsed<KafkaCommandOptions> {
  return parseCommandLine(kafkaUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        "kafka-port": { type: "string", default: "9092" },
        data: { type: "string", default: ".kafka/data" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    return { port: numberOf("--kafka-port", values["kafka-port"], 0, 65_535), data: values.data };
  });
}
