// Every way into a hardened broker, and that the wrong one is shut: what the environment variables of the bridge
// and of `npm run topics` can say, against a broker that checks it.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readKafkaConnection } from "../../bridge/kafka/index.ts";
import { openCluster } from "../../dev/topics/index.ts";
import { secureUser, startSecureKafka, unsecuredToken, type SecureKafka } from "../support/secure-kafka.ts";

type Environment = Readonly<Record<string, string>>;

/** How many brokers a client sees that was told this. */
async function brokersSeen(address: string, env: Environment): Promise<number> {
  const cluster = openCluster(readKafkaConnection(address, env));
  try {
    return (await cluster.describe([])).brokers;
  } finally {
    await cluster.close();
  }
}

describe.skipIf(inject("kafkaBrokers") === null)("a hardened broker", () => {
  let kafka: SecureKafka;
  beforeAll(async () => {
    kafka = await startSecureKafka();
  });
  afterAll(() => kafka.stop());

  const withPassword = (mechanism: string, password: string = secureUser.password): Environment => ({
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: secureUser.username,
    KAFKA_SASL_PASSWORD: password,
  });
  const withToken = (token: string): Environment => ({
    KAFKA_SASL_MECHANISM: "OAUTHBEARER",
    KAFKA_SASL_TOKEN: token,
  });

  test.each(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])(
    "lets %s in, and no wrong password",
    async (mechanism) => {
      expect(await brokersSeen(kafka.saslPlaintext, withPassword(mechanism))).toBe(1);
      const tls = { ...withPassword(mechanism), KAFKA_TLS_CA: kafka.caFile };
      expect(await brokersSeen(kafka.saslSsl, tls)).toBe(1);
      await expect(brokersSeen(kafka.saslPlaintext, withPassword(mechanism, "wrong"))).rejects.toThrow();
    },
  );

  test("lets a token in, and none that has expired", async () => {
    expect(await brokersSeen(kafka.saslPlaintext, withToken(unsecuredToken("alice")))).toBe(1);
    await expect(
      brokersSeen(kafka.saslPlaintext, withToken(unsecuredToken("alice", -600))),
    ).rejects.toThrow();
  });

  test("speaks TLS with a CA of its own, with and without a client certificate, and to nobody who does not trust it", async () => {
    const trusting = { KAFKA_TLS_CA: kafka.caFile };
    expect(await brokersSeen(kafka.ssl, trusting)).toBe(1);
    const client = { KAFKA_TLS_CERT: kafka.certFile, KAFKA_TLS_KEY: kafka.keyFile };
    expect(await brokersSeen(kafka.ssl, { ...trusting, ...client })).toBe(1);
    await expect(brokersSeen(kafka.ssl, { KAFKA_TLS: "true" })).rejects.toThrow();
  });

  test("has a plain listener beside all that", async () => {
    expect(await brokersSeen(kafka.plaintext, {})).toBe(1);
  });
});
