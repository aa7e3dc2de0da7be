// The command line of `npm run dev`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "./command-line.ts";

export interface DevOptions {
  readonly port: number;
  readonly bridgePort: number;
  readonly responders: boolean;
  /** What serves the topics: the bridge's own log, a broker of ours on this port, or a cluster that is there. */
  readonly backend:
    | { readonly kind: "embedded" }
    | { readonly kind: "kafka"; readonly port: number }
    | { readonly kind: "brokers"; readonly brokers: string };
  /** Folder that outlives the run, or undefined: everything in memory or in a folder that goes away. */
  readonly state: string | undefined;
}

export const usage = `npm run dev -- [options]
  --port N           port of the gateway (default 8787)
  --bridge-port N    port of the bridge (default 8790)
  --kafka            on a Kafka broker that is started here (needs Java; see npm run kafka)
  --kafka-port N     port of that broker (default 9092)
  --brokers LIST     on a Kafka cluster that is there: host:port, several with commas between
  --no-responders    start no responder: requests wait for one until their deadline
  --state DIR|none   where topics and objects are kept (default .hearback)`;

export function parseDevOptions(args: readonly string[]): Parsed<DevOptions> {
  return parseCommandLine(usage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8787" },
        "bridge-port": { type: "string", default: "8790" },
        kafka: { type: "boolean", default: false },
        "kafka-port": { type: "string", default: "9092" },
        brokers: { type: "string" },
        "no-responders": { type: "boolean", default: false },
        state: { type: "string", default: ".hearback" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    if (values.kafka && values.brokers !== undefined) {
      throw new Error("--kafka starts a broker and --brokers names others: use one of them");
    }
    const portOf = (option: string, text: string) => numberOf(option, text, 1, 65_535);
    return {
      port: portOf("--port", values.port),
      bridgePort: portOf("--bridge-port", values["bridge-port"]),
      responders: !values["no-responders"],
      backend: values.kafka
        ? { kind: "kafka", port: portOf("--kafka-port", values["kafka-port"]) }
        : values.brokers === undefined
          ? { kind: "embedded" }
          : { kind: "brokers", brokers: values.brokers },
      state: values.state === "none" ? undefined : values.state,
    };
  });
}
