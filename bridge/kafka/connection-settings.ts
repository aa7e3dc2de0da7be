// How to reach a cluster, from a list of brokers and environment variables: what the command line of the bridge
// and the tools around it share. Secrets come from the environment only, so that no process list shows them.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { KafkaConnection, SaslOptions, TlsOptions } from "./client-options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const present = v.pipe(v.string(), v.nonEmpty());

const saslSchema = v.variant("KAFKA_SASL_MECHANISM", [
  v.object({
    KAFKA_SASL_MECHANISM: v.picklist(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
    KAFKA_SASL_USERNAME: present,
    KAFKA_SASL_PASSWORD: present,
  }),
  v.object({ KAFKA_SASL_MECHANISM: v.literal("OAUTHBEARER"), KAFKA_SASL_TOKEN: present }),
  v.object({ KAFKA_SASL_MECHANISM: v.literal("OAUTHBEARER"), KAFKA_SASL_TOKEN_FILE: present }),
]);

/**
 * `brokers`: `host:port`, several with commas between. Environment: `KAFKA_SASL_MECHANISM` with
 * `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD`, or with `KAFKA_SASL_TOKEN` or `KAFKA_SASL_TOKEN_FILE` (read
 * again for every connection, so that whoever renews the token only writes the file); `KAFKA_TLS=true`, or any
 * of `KAFKA_TLS_CA`, `KAFKA_TLS_CERT`, `KAFKA_TLS_KEY` (names of PEM files). Throws a RangeError that names
 * the variable.
 */
export function readKafkaConnection(brokers: string, env: Environment): KafkaConnection {
  const list = brokers.split(",").map((broker) => broker.trim());
  const bad = list.find((broker) => !/^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(broker));
  if (bad !== undefined) throw new RangeError(`"${bad}" is not of the form HOST:PORT`);
  const sasl = readSasl(env);
  const tls = readTls(env);
  return {
    brokers: list,
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function readSasl(env: Environment): SaslOptions | undefined {
  if ((env["KAFKA_SASL_MECHANISM"] ?? "") === "") return undefined;
  const parsed = v.safeParse(saslSchema, env);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new RangeError(`${v.getDotPath(issue) ?? "KAFKA_SASL_MECHANISM"}: ${issue.message}`);
  }
  const { output } = parsed;
  if (output.KAFKA_SASL_MECHANISM !== "OAUTHBEARER") {
    return {
      mechanism: output.KAFKA_SASL_MECHANISM,
      username: output.KAFKA_SASL_USERNAME,
      password: output.KAFKA_SASL_PASSWORD,
    };
  }
  if ("KAFKA_SASL_TOKEN" in output) return { mechanism: "OAUTHBEARER", token: output.KAFKA_SASL_TOKEN };
  const file = output.KAFKA_SASL_TOKEN_FILE;
  return { mechanism: "OAUTHBEARER", token: () => readFileSync(file, "utf8").trim() };
}

function readTls(env: Environment): TlsOptions | undefined {
  const files = { ca: env["KAFKA_TLS_CA"], cert: env["KAFKA_TLS_CERT"], key: env["KAFKA_TLS_KEY"] };
  const given = Object.entries(files).filter(([, file]) => (file ?? "") !== "");
  if (given.length === 0 && env["KAFKA_TLS"] !== "true") return undefined;
  return Object.fromEntries(given.map(([name, file = ""]) => [name, readPem(name, file)]));
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new RangeError(`KAFKA_TLS_${name.toUpperCase()}: ${file} cannot be read`, { cause });
  }
}
