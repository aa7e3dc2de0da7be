// The children of `npm run dev` as a table: what each is started with. Who starts and ends them is main.ts.

import { hostname } from "node:os";
import { join } from "node:path";
import { nodeFlags } from "../bridge/node-flags.ts";
import type { ProcessSpec } from "./processes.ts";
import type { WantedTopic } from "./topics/index.ts";

type Environment = Readonly<Record<string, string>>;

/** A broker of our own; its data goes with the objects that remember positions in it. */
export function brokerProcess(place: { readonly port: number; readonly stateFolder: string }): ProcessSpec {
  return {
    name: "kafka",
    args: [
      "dev/kafka/main.ts",
      "--kafka-port",
      String(place.port),
      "--data",
      join(place.stateFolder, "broker"),
    ],
  };
}

interface BridgePlace {
  readonly host: string;
  readonly bridgePort: number;
  readonly user: string;
  readonly password: string;
  readonly stateFolder: string;
  /** Whether the embedded log outlives the run. */
  readonly keep: boolean;
  /** Kafka; without it, an embedded log with these topics. */
  readonly brokers?: string;
  readonly topics?: readonly WantedTopic[];
}

export function bridgeProcess(place: BridgePlace): ProcessSpec {
  const { host, bridgePort, user, password, stateFolder, keep, brokers, topics = [] } = place;
  const log =
    brokers === undefined
      ? [
          ...(keep ? ["--state", join(stateFolder, "log")] : []),
          ...topics.flatMap(({ name, partitions }) => ["--topic", `${name}:${partitions}`]),
        ]
      : ["--brokers", brokers];
  return {
    name: "bridge",
    args: [
      ...nodeFlags,
      "bridge/main.ts",
      "--host",
      host,
      "--port",
      String(bridgePort),
      "--user",
      user,
      "--password",
      password,
      ...log,
    ],
  };
}

interface GatewayPlace {
  readonly host: string;
  readonly port: number;
  readonly stateFolder: string;
  readonly credentials: Environment;
}

export function gatewayProcess({ host, port, stateFolder, credentials }: GatewayPlace): ProcessSpec {
  return {
    name: "gateway",
    args: [
      "node_modules/wrangler/bin/wrangler.js",
      "dev",
      "--ip",
      host,
      "--port",
      String(port),
      "--inspector-port",
      "0",
      "--persist-to",
      join(stateFolder, "wrangler"),
      "--show-interactive-dev-session",
      "false",
      ...Object.entries({
        ...credentials,
        HEARBACK_OPERATOR_ACCESS: "open",
        HEARBACK_CALLBACK_TARGETS: "open",
      }).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    env: {
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // Wrangler's local trace store writes every request to a database: a third of the throughput.
      X_LOCAL_OBSERVABILITY: "false",
    },
    show: isWorthShowing,
  };
}

interface RespondersPlace {
  /** Of the gateway: no two loops on one machine have the same. */
  readonly port: number;
  readonly credentials: Environment;
  /** Kafka; without it, the responders ask the bridge. */
  readonly brokers?: string;
}

/**
 * The examples' services. One that is killed and started again has the name it had, and with it its partitions at
 * once: under another name Kafka would keep them for the dead one until its session ends. Loops that share a cluster
 * must not share a name, since they would take it from each other.
 */
export function responderProcesses({ port, credentials, brokers = "" }: RespondersPlace): ProcessSpec[] {
  const host = hostname().replaceAll(/[^a-zA-Z0-9._-]/g, "-");
  return ["predict", "shop"].map((name) => ({
    name,
    args: [`examples/${name}/responder.ts`],
    env: { ...credentials, KAFKA_BROKERS: brokers, RESPONDER_NAME: `${host}-${port}-${name}` },
  }));
}

/** Of wrangler's lines, those about requests, errors and what the Worker logs; not its banner, tables and advice. */
function isWorthShowing(line: string): boolean {
  return !/^\s*(⛅|─|╭|│|╰|env\.|Your Worker|Binding|Using |\[wrangler:info\] Ready|⎔|.*cdn-cgi\/local|.*Scheduled Workers|To manually|For more details)/u.test(
    line,
  );
}
