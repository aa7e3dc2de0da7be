// A Kafka broker with every kind of listener that a client can be asked to prove itself at. The certificates and
// the passwords are made for one start and are of use nowhere else.

import { execFile } from "node:child_process";
import { Buffer } from "node:buffer";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startKafka, type KafkaListener } from "../../dev/kafka/index.ts";

export type SecureListener = "plaintext" | "sasl" | "saslSsl" | "ssl" | "mutualSsl";

export interface SecureKafka {
  /** `host:port` of each. */
  readonly listeners: Readonly<Record<SecureListener, string>>;
  /** Knows its password under PLAIN and both kinds of SCRAM. */
  readonly user: { readonly name: string; readonly password: string };
  /** Names of PEM files. `otherCa` has signed nothing that the broker shows. */
  readonly files: Readonly<Record<"ca" | "otherCa" | "clientCert" | "clientKey", string>>;
  /** For new files of a test. */
  readonly folder: string;
  stop(): Promise<void>;
}

const user = { name: "ann", password: "ann-secret" };
const names = {
  plaintext: "PLAINTEXT",
  sasl: "SASL",
  saslSsl: "SASLSSL",
  ssl: "SSL",
  mutualSsl: "MUTUALSSL",
} as const satisfies Record<SecureListener, string>;
const protocols = {
  plaintext: "PLAINTEXT",
  sasl: "SASL_PLAINTEXT",
  saslSsl: "SASL_SSL",
  ssl: "SSL",
  mutualSsl: "SSL",
} as const satisfies Record<SecureListener, KafkaListener["protocol"]>;

export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-secure-kafka-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const files = await makeCertificates(folder);
    const beside = (["sasl", "saslSsl", "ssl", "mutualSsl"] as const).map((listener) => ({
      name: names[listener],
      protocol: protocols[listener],
      port: 0,
    }));
    const broker = await startKafka({
      data: join(folder, "data"),
      listeners: beside,
      properties: securityProperties(files),
      scram: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(
        (mechanism) => `${mechanism}=[name=${user.name},password=${user.password}]`,
      ),
    });
    const at = (listener: SecureListener): string => broker.addresses.get(names[listener]) ?? "";
    return {
      listeners: {
        plaintext: at("plaintext"),
        sasl: at("sasl"),
        saslSsl: at("saslSsl"),
        ssl: at("ssl"),
        mutualSsl: at("mutualSsl"),
      },
      user,
      files,
      folder,
      async stop() {
        await broker.stop();
        await remove();
      },
    };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/** An unsigned JWS, which Kafka's own validator for development takes. */
export function unsecuredToken(subject: string, lifetimeMs = 600_000): string {
  const now = Date.now() / 1_000;
  const claims = { sub: subject, iat: now, exp: now + lifetimeMs / 1_000 };
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "none" })}.${encode(claims)}.`;
}

type Certificates = SecureKafka["files"] & { readonly broker: string };

function securityProperties(files: Certificates): Record<string, string> {
  const security = "org.apache.kafka.common.security";
  const scram = `${security}.scram.ScramLoginModule required;`;
  const plain = `${security}.plain.PlainLoginModule required user_${user.name}="${user.password}";`;
  const oauth = `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  return {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    "listener.name.sasl.plain.sasl.jaas.config": plain,
    "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
    "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
    "listener.name.sasl.oauthbearer.sasl.jaas.config": oauth,
    "listener.name.saslssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.saslssl.scram-sha-512.sasl.jaas.config": scram,
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": files.broker,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": files.ca,
    "listener.name.mutualssl.ssl.client.auth": "required",
  };
}

async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, `${name}.pem`);
  const openssl = (...args: string[]) => promisify(execFile)("openssl", args);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"];

  async function authority(name: string): Promise<void> {
    await openssl(
      "req",
      "-x509",
      ...newKey,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      file(`${name}-key`),
      "-out",
      file(name),
    );
  }
  async function signed(name: string, extension: string): Promise<void> {
    const ca = ["-CA", file("ca"), "-CAkey", file("ca-key"), "-addext", "basicConstraints=critical,CA:FALSE"];
    const subject = ["-subj", `/CN=${name}`, "-addext", extension];
    await openssl(
      "req",
      "-x509",
      ...newKey,
      ...ca,
      ...subject,
      "-keyout",
      file(`${name}-key`),
      "-out",
      file(name),
    );
  }

  await authority("ca");
  await Promise.all([
    authority("other-ca"),
    signed("broker", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
    signed("client", "extendedKeyUsage=clientAuth"),
  ]);
  const [key, cert] = await Promise.all([
    readFile(file("broker-key"), "utf8"),
    readFile(file("broker"), "utf8"),
  ]);
  await writeFile(file("broker-store"), key + cert);
  return {
    ca: file("ca"),
    otherCa: file("other-ca"),
    clientCert: file("client"),
    clientKey: file("client-key"),
    broker: file("broker-store"),
  };
}
