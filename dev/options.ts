// The command line of `npm run dev`: parsing and defaults only.

import { parseArgs } from "node:util";

export interface DevOptions {
  readonly port: number;
  readonly bridgePort: number;
  readonly responders: boolean;
  /** What keeps the topics: the bridge's own log, a broker started here, or a cluster that runs already. */
  readonly log:
    | { readonly kind: "embedded" }
    | { readonly kind: "kafka"; readonly port: number }
    | { readonly kind: "brokers"; readonly brokers: string };
  /** Folder that outlives the run, or undefined: everything in memory or in a folder that goes away. */
  readonly state: string | undefined;
}

export const usage = `npm run dev -- [options]
  --port N           port of the gateway (default 8787)
  --bridge-port N    port of the bridge (default 8790)
  --kafka            start an Apache Kafka broker, and keep the topics there (needs Java 17 and Maven)
  --kafka-port N     its port (default 9092)
  --brokers LIST     keep the topics on this cluster: HOST:PORT, several with commas between
  --no-responders    start no responder: requests wait for one until their deadline
  --state DIR|none   where topics and objects are kept (default .hearback)`;

export type ParsedDevOptions =
  { readonly ok: true; readonly options: DevOptions } | { readonly ok: false; readonly message: string };

export function parseDevOptions(args: readonly string[]): ParsedDevOptions {
  try {
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
    if (values.help) return { ok: false, message: usage };
    return {
      ok: true,
      options: {
        port: portOf("--port", values.port),
        bridgePort: portOf("--bridge-port", values["bridge-port"]),
        log: logOf(values.kafka, portOf("--kafka-port", values["kafka-port"]), values.brokers),
        responders: !values["no-responders"],
        state: values.state === "none" ? undefined : values.state,
      },
    };
  } catch (cause) {
    return { ok: false, message: `${cause instanceof Error ? cause.message : String(cause)}\n\n${usage}` };
  }
}

function logOf(kafka: boolean, port: number, brokers: string | undefined): DevOptions["log"] {
  if (brokers === undefined) return kafka ? { kind: "kafka", port } : { kind: "embedded" };
  if (kafka) throw new Error("--kafka starts a broker, --brokers names others: give one of them");
  return { kind: "brokers", brokers };
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`${name}: received ${JSON.stringify(text)}; must be a port from 1 to 65535`);
  }
  return port;
}
