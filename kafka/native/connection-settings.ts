// How to reach a cluster, from a list of brokers and environment variables: what every command that speaks to
// Kafka shares. Secrets come from the environment only, so that no process list shows them.

import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { KafkaConnection, SaslOptions, TlsOptions } from "./client-options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const passwordMechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const mechanisms: readonly string[] = [...passwordMechanisms, "OAUTHBEARER"];

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
  const mechanism = valueOf(env, "KAFKA_SASL_MECHANISM");
  if (mechanism === undefined) {
    // Whoever sets one of these expects to prove something.
    const lonely = ["USERNAME", "PASSWORD", "TOKEN", "TOKEN_FILE"]
      .map((each) => `KAFKA_SASL_${each}`)
      .find((name) => valueOf(env, name) !== undefined);
    if (lonely === undefined) return undefined;
    throw new RangeError(`${lonely} is set, but not KAFKA_SASL_MECHANISM (${mechanisms.join(", ")})`);
  }
  const withPassword = passwordMechanisms.find((each) => each === mechanism);
  if (withPassword !== undefined) {
    const username = needed(env, "KAFKA_SASL_USERNAME", mechanism);
    return { mechanism: withPassword, username, password: needed(env, "KAFKA_SASL_PASSWORD", mechanism) };
  }
  if (mechanism !== "OAUTHBEARER") {
    throw new RangeError(`KAFKA_SASL_MECHANISM: "${mechanism}" is none of ${mechanisms.join(", ")}`);
  }
  const token = valueOf(env, "KAFKA_SASL_TOKEN");
  if (token !== undefined) return { mechanism, token };
  const file = needed(env, "KAFKA_SASL_TOKEN_FILE", "OAUTHBEARER without KAFKA_SASL_TOKEN");
  return { mechanism, token: () => readFileSync(file, "utf8").trim() };
}

function readTls(env: Environment): TlsOptions | undefined {
  const wanted = valueOf(env, "KAFKA_TLS");
  // Taken for "no", another word for "true" would send everything in clear.
  if (wanted !== undefined && wanted !== "true" && wanted !== "false") {
    throw new RangeError(`KAFKA_TLS: "${wanted}" is neither true nor false`);
  }
  const names = { ca: "KAFKA_TLS_CA", cert: "KAFKA_TLS_CERT", key: "KAFKA_TLS_KEY" } as const;
  const given = Object.entries(names).filter(([, name]) => valueOf(env, name) !== undefined);
  if (given.length > 0 && wanted === "false")
    throw new RangeError(`${given[0]?.[1]} is set, but KAFKA_TLS=false`);
  if (given.length === 0 && wanted !== "true") return undefined;
  for (const [one, other] of [
    [names.cert, names.key],
    [names.key, names.cert],
  ] as const) {
    if (valueOf(env, one) !== undefined) needed(env, other, one);
  }
  return checkedTls(Object.fromEntries(given.map(([option, name]) => [option, readPem(name, env)])));
}

function readPem(name: string, env: Environment): string {
  const file = valueOf(env, name) ?? "";
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (cause) {
    throw new RangeError(`${name}: ${file} cannot be read`, { cause });
  }
  // Without one, an authority would count as none, and every broker be refused.
  if (!pem.includes("-----BEGIN ")) throw new RangeError(`${name}: ${file} is not PEM`);
  return pem;
}

/** Now and not at the first connection, where nobody looks. */
function checkedTls(tls: TlsOptions): TlsOptions {
  try {
    createSecureContext(tls);
    return tls;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RangeError(`KAFKA_TLS_CA, KAFKA_TLS_CERT, KAFKA_TLS_KEY: ${reason}`, { cause });
  }
}

/** An empty variable counts as absent. */
function valueOf(env: Environment, name: string): string | undefined {
  return env[name] || undefined;
}

function needed(env: Environment, name: string, by: string): string {
  const value = valueOf(env, name);
  if (value === undefined) throw new RangeError(`${name} is missing, which ${by} needs`);
  return value;
}
