// The command line of `npm run sidecar`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../dev/command-line.ts";
import { nameFrom } from "./one-service.ts";

export interface SidecarOptions {
  readonly service: string;
  readonly name: string;
  /** `host:port`, several with commas between; undefined: an embedded log. */
  readonly brokers: string | undefined;
  readonly config: string;
  readonly host: string;
  readonly port: number;
  /** 0: any free one. */
  readonly bridgePort: number;
  /** Folder that outlives the run, or undefined: one that goes away. */
  readonly state: string | undefined;
}

export const sidecarUsage = `npm run sidecar -- --service NAME [options]
The gateway for one service, with everything it needs, to run beside that service.
  --service NAME     which service of the config
  --brokers LIST     host:port of one or more brokers, with commas; embedded: a log of its own (default 127.0.0.1:9092)
  --name NAME        last part of the name of its reply topic; no two sidecars may share it
  --config FILE      the config (default hearback.config.ts)
  --host HOST        address of the gateway (default 127.0.0.1)
  --port N           port of the gateway (default 8787)
  --bridge-port N    port of the bridge on 127.0.0.1; 0: any free one (default 0)
  --state DIR        where its objects are kept, and the embedded log; none: a folder that goes away (default none)
  --help             this text
Without --name it is made of the service and the name of this host, as in orders-host1.
KAFKA_SASL_* and KAFKA_TLS* in the environment say how to connect, HEARBACK_BRIDGE_USER and _PASSWORD who may use
the bridge; HEARBACK_OPERATOR_TOKEN, CORRELATION_ID_SECRET and lists of API keys are handed on to the gateway.`;

/** `hostname`: what the name is made of when nobody gives one. */
export function parseSidecarOptions(args: readonly string[], hostname: string): Parsed<SidecarOptions> {
  return parseCommandLine(sidecarUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        service: { type: "string" },
        brokers: { type: "string", default: "127.0.0.1:9092" },
        name: { type: "string" },
        config: { type: "string", default: "hearback.config.ts" },
        host: { type: "string", default: "127.0.0.1" },
        port: { type: "string", default: "8787" },
        "bridge-port": { type: "string", default: "0" },
        state: { type: "string", default: "none" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    if (values.service === undefined) throw new Error("--service is needed: a name of the config");
    return {
      service: values.service,
      // With the service in it, since services may share a reply topic, and hosts have sidecars of several.
      name: values.name ?? nameFrom(`${values.service}-${hostname}`),
      brokers: values.brokers === "embedded" ? undefined : values.brokers,
      config: values.config,
      host: values.host,
      port: numberOf("--port", values.port, 1, 65_535),
      bridgePort: numberOf("--bridge-port", values["bridge-port"], 0, 65_535),
      state: values.state === "none" ? undefined : values.state,
    };
  });
}
