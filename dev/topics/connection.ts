// How to reach a cluster: the environment variables of the bridge as options of the Kafka client.

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "@platformatic/kafka";

type Environment = Readonly<Record<string, string | undefined>>;
type Sasl = NonNullable<ConnectionOptions["sasl"]>;

const mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/** Throws with a sentence for the user: an unknown mechanism, a credential that is missing, a file that cannot be read. */
export function connectionFrom(env: Environment): Pick<ConnectionOptions, "sasl" | "tls"> {
  return { ...saslFrom(env), ...tlsFrom(env) };
}

function saslFrom(env: Environment): { readonly sasl?: Sasl } {
  const wanted = env["KAFKA_SASL_MECHANISM"];
  if (wanted === undefined || wanted === "") return {};
  const mechanism = mechanisms.find((one) => one === wanted.toUpperCase());
  if (mechanism === undefined) {
    throw new Error(`KAFKA_SASL_MECHANISM is "${wanted}"; must be one of ${mechanisms.join(", ")}`);
  }
  if (mechanism === "OAUTHBEARER") {
    return { sasl: { mechanism, token: needed(env, "KAFKA_SASL_TOKEN", mechanism) } };
  }
  return {
    sasl: {
      mechanism,
      username: needed(env, "KAFKA_SASL_USERNAME", mechanism),
      password: needed(env, "KAFKA_SASL_PASSWORD", mechanism),
    },
  };
}

function tlsFrom(env: Environment): Pick<ConnectionOptions, "tls"> {
  const [ca, cert, key] = ["KAFKA_TLS_CA", "KAFKA_TLS_CERT", "KAFKA_TLS_KEY"].map((name) =>
    fileIn(env, name),
  );
  if (env["KAFKA_TLS"] !== "true" && ca === undefined && cert === undefined) return {};
  if ((cert === undefined) !== (key === undefined)) {
    throw new Error("KAFKA_TLS_CERT and KAFKA_TLS_KEY are wanted together");
  }
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

function needed(env: Environment, name: string, mechanism: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${mechanism} needs ${name}`);
  return value;
}

function fileIn(env: Environment, name: string): string | undefined {
  const path = env[name];
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
