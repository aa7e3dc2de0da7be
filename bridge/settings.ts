// The options of the command line and of the environment, and what they mean together. Nothing is opened or
// started here, and no file is read.

import { parseArgs, type ParseArgsConfig } from "node:util";
import type { AccessKind } from "./http/access.ts";
import type { UserPassword } from "./http/credentials.ts";
import { defaultLimits, type BridgeLimits } from "./http/limits.ts";

type CommandLimits = Pick<
  BridgeLimits,
  "maxBodyBytes" | "maxBytesInHand" | "maxConnections" | "maxWaiting" | "maxProduceRecords"
>;

export interface ServeSettings {
  readonly command: "serve";
  readonly host: string;
  readonly port: number;
  readonly state?: string;
  /** `host:port`, several with commas between. Absent: the embedded log. */
  readonly brokers?: string;
  /** On a cluster: whether the first record for a topic creates it. */
  readonly createTopics: boolean;
  /** Absent when the only credentials are those of the file. */
  readonly full?: UserPassword;
  readonly credentialsFile?: string;
  readonly metricsToken?: string;
  readonly accessLog: boolean;
  readonly limits: CommandLimits;
  readonly topics: ReadonlyMap<string, number>;
}

export interface CredentialSettings {
  readonly command: "credential";
  readonly user: string;
  readonly access: AccessKind;
  /** Absent: every topic. */
  readonly topics?: readonly string[];
}

export interface HelpSettings {
  readonly command: "help";
}

export type Settings = ServeSettings | CredentialSettings | HelpSettings;

const defaultUser = "dev";
const defaultPassword = "dev";

export const usage = `hearback-bridge: the Upstash Kafka REST API over Apache Kafka, or over a log of its own

  --host HOST              address to listen on (127.0.0.1)
  --port PORT              port to listen on; 0: any free one (8790)
  --brokers HOST:PORT,...  serve this Kafka cluster, or HEARBACK_BRIDGE_BROKERS; without it, an embedded log
  --no-create-topics       on a cluster: refuse records for topics that do not exist
  --state DIR              keep the embedded log in files below DIR; without it, in memory
  --topic NAME:PARTITIONS  a topic of the embedded log from the start; may be repeated

  --user NAME              user with full access, or HEARBACK_BRIDGE_USER (dev)
  --password PASSWORD      its password, or HEARBACK_BRIDGE_PASSWORD (dev)
  --credentials FILE       more credentials, or HEARBACK_BRIDGE_CREDENTIALS; read again on SIGHUP
  --insecure               serve other machines although the password is the default one
  --metrics-token TOKEN    a bearer token for /metrics alone, or HEARBACK_BRIDGE_METRICS_TOKEN

  --max-body-bytes N       largest body (${defaultLimits.maxBodyBytes})
  --max-records N          most records in one produce (${defaultLimits.maxProduceRecords})
  --max-bytes-in-hand N    bodies and answers of all requests together (${defaultLimits.maxBytesInHand})
  --max-waiting N          long polls at once (${defaultLimits.maxWaiting})
  --max-connections N      connections at once (${defaultLimits.maxConnections})
  --access-log             one line on standard error per answer
  --help                   this text

hearback-bridge credential --user NAME: prints an entry for the file of credentials

  --access KIND            full, produce or consume (full)
  --topic NAME             a topic, or a prefix with * at its end; may be repeated (all topics)
                           The password is read from standard input; without one, it is made and shown once.`;

const serveOptions = {
  host: { type: "string", default: "127.0.0.1" },
  port: { type: "string", default: "8790" },
  brokers: { type: "string" },
  "no-create-topics": { type: "boolean", default: false },
  state: { type: "string" },
  topic: { type: "string", multiple: true, default: [] },
  user: { type: "string" },
  password: { type: "string" },
  credentials: { type: "string" },
  insecure: { type: "boolean", default: false },
  "metrics-token": { type: "string" },
  "max-body-bytes": { type: "string" },
  "max-records": { type: "string" },
  "max-bytes-in-hand": { type: "string" },
  "max-waiting": { type: "string" },
  "max-connections": { type: "string" },
  "access-log": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} satisfies ParseArgsConfig["options"];

const credentialOptions = {
  user: { type: "string" },
  access: { type: "string", default: "full" },
  topic: { type: "string", multiple: true },
  help: { type: "boolean", default: false },
} satisfies ParseArgsConfig["options"];

/** `args` without the program's name. Throws with a message for whoever typed them. */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  return args[0] === "credential" ? readCredentialSettings(args.slice(1)) : readServeSettings(args, env);
}

function readServeSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServeSettings | HelpSettings {
  const { values } = parseArgs({ args: [...args], options: serveOptions });
  if (values.help) return { command: "help" };
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new RangeError(`"${values.port}" is not a port`);
  const credentialsFile = values.credentials ?? env["HEARBACK_BRIDGE_CREDENTIALS"];
  const metricsToken = values["metrics-token"] ?? env["HEARBACK_BRIDGE_METRICS_TOKEN"];
  if (metricsToken === "") throw new RangeError("--metrics-token is empty");
  const user = values.user ?? env["HEARBACK_BRIDGE_USER"];
  const password = values.password ?? env["HEARBACK_BRIDGE_PASSWORD"];
  const full =
    credentialsFile !== undefined && user === undefined && password === undefined
      ? undefined
      : { user: user ?? defaultUser, password: password ?? defaultPassword };
  if (!isLoopback(values.host) && full?.password === defaultPassword && !values.insecure) {
    throw new RangeError(
      `the password is the default one, and ${values.host} lets other machines in: ` +
        "set --password or --credentials (or say --insecure)",
    );
  }
  const limits: CommandLimits = {
    maxBodyBytes: countOf(values, "max-body-bytes", defaultLimits.maxBodyBytes),
    maxProduceRecords: countOf(values, "max-records", defaultLimits.maxProduceRecords),
    maxBytesInHand: countOf(values, "max-bytes-in-hand", defaultLimits.maxBytesInHand),
    maxWaiting: countOf(values, "max-waiting", defaultLimits.maxWaiting),
    maxConnections: countOf(values, "max-connections", defaultLimits.maxConnections),
  };
  if (limits.maxBytesInHand < limits.maxBodyBytes) {
    throw new RangeError("--max-bytes-in-hand is less than one body may have (--max-body-bytes)");
  }
  const brokers = values.brokers ?? env["HEARBACK_BRIDGE_BROKERS"];
  if (brokers !== undefined && (values.state !== undefined || values.topic.length > 0)) {
    throw new RangeError("--state and --topic are for the embedded log, and --brokers is for a cluster");
  }
  return {
    command: "serve",
    host: values.host,
    port,
    ...(values.state === undefined ? {} : { state: values.state }),
    ...(brokers === undefined ? {} : { brokers }),
    createTopics: !values["no-create-topics"],
    ...(full === undefined ? {} : { full }),
    ...(credentialsFile === undefined ? {} : { credentialsFile }),
    ...(metricsToken === undefined ? {} : { metricsToken }),
    accessLog: values["access-log"],
    limits,
    topics: new Map(values.topic.map(parseTopic)),
  };
}

function readCredentialSettings(args: readonly string[]): CredentialSettings | HelpSettings {
  const { values } = parseArgs({ args: [...args], options: credentialOptions });
  if (values.help) return { command: "help" };
  const { user, access, topic: topics } = values;
  if (user === undefined) throw new RangeError("a credential needs --user NAME");
  if (access !== "full" && access !== "produce" && access !== "consume") {
    throw new RangeError(`"${access}" is none of full, produce and consume`);
  }
  return { command: "credential", user, access, ...(topics === undefined ? {} : { topics }) };
}

/** Reached from this machine only. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function countOf<Name extends string>(
  values: Readonly<Partial<Record<Name, string>>>,
  name: Name,
  otherwise: number,
): number {
  const text = values[name];
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,11}$/.test(text))
    throw new RangeError(`--${name} "${text}" is not a positive whole number`);
  return Number(text);
}

function parseTopic(text: string): readonly [name: string, partitions: number] {
  const [, name, partitions] = /^(.+):(\d{1,4})$/.exec(text) ?? [];
  if (name === undefined) throw new RangeError(`"${text}" is not of the form NAME:PARTITIONS`);
  return [name, Number(partitions)];
}
