// The command line of `npm run dev`: parsing and defaults only.

import { parseArgs } from "node:util";

export interface DevOptions {
  readonly port: number;
  readonly bridgePort: number;
  readonly responders: boolean;
  /** Folder that outlives the run, or undefined: everything in memory or in a folder that goes away. */
  readonly state: string | undefined;
}

export const usage = `npm run dev -- [options]
  --port N           port of the gateway (default 8787)
  --bridge-port N    port of the bridge (default 8790)
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
        responders: !values["no-responders"],
        state: values.state === "none" ? undefined : values.state,
      },
    };
  } catch (cause) {
    return { ok: false, message: `${cause instanceof Error ? cause.message : String(cause)}\n\n${usage}` };
  }
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`${name}: received ${JSON.stringify(text)}; must be a port from 1 to 65535`);
  }
  return port;
}
