#!/usr/bin/env node
// The command line of the bridge: options, start, an orderly end on a signal. Everything it starts is made elsewhere.

import { parseArgs } from "node:util";
import { openEmbedded } from "./embedded/index.ts";
import { produceOnce } from "./produce-once.ts";
import { startBridge } from "./http/server.ts";

const usage = `hearback-bridge: the Upstash Kafka REST API over an embedded log

  --host HOST              address to listen on (127.0.0.1)
  --port PORT              port to listen on; 0: any free one (8790)
  --state DIR              keep the log in files below DIR; without it, in memory
  --user NAME              HTTP Basic user name, or HEARBACK_BRIDGE_USER (dev)
  --password PASSWORD      HTTP Basic password, or HEARBACK_BRIDGE_PASSWORD (dev)
  --topic NAME:PARTITIONS  a topic that exists from the start; may be repeated
  --help                   this text`;

interface Settings {
  readonly host: string;
  readonly port: number;
  readonly state?: string;
  readonly username: string;
  readonly password: string;
  readonly topics: ReadonlyMap<string, number>;
}

/** Undefined when only the usage is wanted. Throws with a message for the user. */
function readSettings(): Settings | undefined {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8790" },
      state: { type: "string" },
      user: { type: "string" },
      password: { type: "string" },
      topic: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new RangeError(`"${values.port}" is not a port`);
  return {
    host: values.host,
    port,
    ...(values.state === undefined ? {} : { state: values.state }),
    username: values.user ?? process.env["HEARBACK_BRIDGE_USER"] ?? "dev",
    password: values.password ?? process.env["HEARBACK_BRIDGE_PASSWORD"] ?? "dev",
    topics: new Map(values.topic.map(parseTopic)),
  };
}

function parseTopic(text: string): readonly [name: string, partitions: number] {
  const [, name, partitions] = /^(.+):(\d{1,4})$/.exec(text) ?? [];
  if (name === undefined) throw new RangeError(`"${text}" is not of the form NAME:PARTITIONS`);
  return [name, Number(partitions)];
}

async function run({ host, port, state, username, password, topics }: Settings): Promise<void> {
  const backend = openEmbedded({ topics, ...(state === undefined ? {} : { state }) });
  const { groups } = backend;
  const bridge = await startBridge({ host, port, username, password, log: produceOnce(backend.log), groups });
  const where = state === undefined ? "in memory" : `in ${state}`;
  console.log(`hearback-bridge listens on ${bridge.url}, log ${where}`);
  const end = async (): Promise<void> => {
    await bridge.close();
    await backend.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      end().catch(fail);
    });
  }
}

/** One line and exit code 1: whoever starts the bridge can do something about all of these. */
function fail(cause: unknown): void {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint = code === "EADDRINUSE" ? " (another process listens there: choose another --port)" : "";
  console.error(`hearback-bridge: ${message}${hint}`);
  process.exitCode = 1;
}

try {
  const settings = readSettings();
  if (settings === undefined) console.log(usage);
  else await run(settings);
} catch (cause) {
  fail(cause);
}
