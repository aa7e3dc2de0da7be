// A broker as a hardened cluster looks to a client: SASL with every mechanism, TLS with a CA of its own, beside the
// plain listener. Certificates are made by openssl in the data folder and go away with it.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka, type KafkaBroker } from "../../dev/kafka/index.ts";

export const secureUser = { username: "alice", password: "alice-secret" } as const;

export interface SecureKafka {
  readonly broker: KafkaBroker;
  /** `host:port` by listener. */
  readonly plaintext: string;
  readonly saslPlaintext: string;
  readonly ssl: string;
  readonly saslSsl: string;
  /** PEM; the files have the same, for environment variables that name files. */
  readonly ca: string;
  readonly caFile: string;
  /** Of a client, signed by the same CA; the listener asks for one and does without. */
  readonly certFile: string;
  readonly keyFile: string;
  stop(): Promise<void>;
}

/**
 * An unsigned token (RFC 7519, `alg` none), which Kafka 4 still takes unless it is given a validator; for
 * development only, as Kafka says itself.
 */
export function unsecuredToken(subject: string, lifetimeS = 3_600): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: subject, iat: nowS, exp: nowS + lifetimeS })}.`;
}

export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-secure-kafka-"));
  const { username, password } = secureUser;
  const certificates = makeCertificates(folder);
  const modules = "org.apache.kafka.common.security";
  const sasl = Object.fromEntries(
    ["sasl_plaintext", "sasl_ssl"].flatMap((listener) =>
      Object.entries({
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "plain.sasl.jaas.config": `${modules}.plain.PlainLoginModule required user_${username}="${password}";`,
        "scram-sha-256.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
        "scram-sha-512.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
        "oauthbearer.sasl.jaas.config": `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      }).map(([name, value]) => [`listener.name.${listener}.${name}`, value]),
    ),
  );
  try {
    const broker = await startKafka({
      data: join(folder, "data"),
      listeners: (["SASL_PLAINTEXT", "SSL", "SASL_SSL"] as const).map((name) => ({
        name,
        protocol: name,
        port: 0,
      })),
      scram: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(
        (mechanism) => `${mechanism}=[name=${username},password=${password}]`,
      ),
      properties: {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.serverFile,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.caFile,
        "ssl.client.auth": "requested",
        ...sasl,
      },
    });
    const address = (name: string) => broker.addresses.get(name) ?? "";
    return {
      broker,
      plaintext: broker.bootstrap,
      saslPlaintext: address("SASL_PLAINTEXT"),
      ssl: address("SSL"),
      saslSsl: address("SASL_SSL"),
      ca: readFileSync(certificates.caFile, "utf8"),
      ...certificates,
      stop: async () => {
        await broker.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

/** A CA, a server for 127.0.0.1 and localhost, a client. */
function makeCertificates(folder: string) {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
  const newKey = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=Test CA",
  );
  writeFileSync(at("san"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  for (const name of ["server", "client"]) {
    openssl("req", ...newKey, at(`${name}.key`), "-out", at(`${name}.csr`), "-subj", `/CN=${name}`);
    const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
    openssl(
      "x509",
      "-req",
      "-in",
      at(`${name}.csr`),
      ...signed,
      "-extfile",
      at("san"),
      "-out",
      at(`${name}.pem`),
    );
  }
  // Kafka wants key and chain in one file.
  const chain = ["server.key", "server.pem", "ca.pem"].map((name) => readFileSync(at(name), "utf8"));
  writeFileSync(at("server.chain.pem"), chain.join(""), { mode: 0o600 });
  return {
    serverFile: at("server.chain.pem"),
    caFile: at("ca.pem"),
    certFile: at("client.pem"),
    keyFile: at("client.key"),
  };
}
