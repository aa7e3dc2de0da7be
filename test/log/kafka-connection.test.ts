// How a cluster is reached, from the command line and the environment; what is told about settings that cannot be
// meant.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readKafkaConnection } from "../../kafka/native/index.ts";
import { clientOptions } from "../../kafka/native/client-options.ts";
import { runCommand } from "../support/command.ts";
import { temporaryFolder } from "../support/bridge.ts";

const here = fileURLToPath(import.meta.url);
const brokers = "one:9092, 10.0.0.1:9093,[::1]:9094";
const name = { KAFKA_SASL_USERNAME: "ann" };
const both = { ...name, KAFKA_SASL_PASSWORD: "secret" };

test("brokers alone are reached in clear; empty variables count as absent", () => {
  const list = ["one:9092", "10.0.0.1:9093", "[::1]:9094"];
  expect(readKafkaConnection(brokers, {})).toEqual({ brokers: list });
  const empty = { KAFKA_SASL_MECHANISM: "", KAFKA_SASL_USERNAME: "", KAFKA_TLS: "", KAFKA_TLS_CA: "" };
  expect(readKafkaConnection(brokers, empty)).toEqual({ brokers: list });
  expect(readKafkaConnection("one:9092", { KAFKA_TLS: "false" })).toEqual({ brokers: ["one:9092"] });
  expect(readKafkaConnection("one:9092", { KAFKA_TLS: "true" })).toEqual({ brokers: ["one:9092"], tls: {} });
});

test.each(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])("%s takes a user and a password", (mechanism) => {
  expect(readKafkaConnection("one:9092", { ...both, KAFKA_SASL_MECHANISM: mechanism }).sasl).toEqual({
    mechanism,
    username: "ann",
    password: "secret",
  });
});

test("OAUTHBEARER takes a token, or a file that is read again each time", async () => {
  const oauth = { KAFKA_SASL_MECHANISM: "OAUTHBEARER" };
  expect(readKafkaConnection("one:9092", { ...oauth, KAFKA_SASL_TOKEN: "t" }).sasl).toEqual({
    mechanism: "OAUTHBEARER",
    token: "t",
  });
  const file = join(await temporaryFolder(), "token");
  const { sasl } = readKafkaConnection("one:9092", { ...oauth, KAFKA_SASL_TOKEN_FILE: file });
  if (sasl?.mechanism !== "OAUTHBEARER" || typeof sasl.token !== "function") throw new Error("no function");
  for (const token of ["first", "second"]) {
    await writeFile(file, `${token}\n`);
    expect(sasl.token()).toBe(token);
  }
});

const mistakes: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
  [{ KAFKA_SASL_MECHANISM: "PLAIN" }, /^KAFKA_SASL_USERNAME is missing, which PLAIN needs$/],
  [{ ...name, KAFKA_SASL_MECHANISM: "SCRAM-SHA-256" }, /^KAFKA_SASL_PASSWORD is missing/],
  [{ KAFKA_SASL_MECHANISM: "OAUTHBEARER" }, /^KAFKA_SASL_TOKEN_FILE is missing.*KAFKA_SASL_TOKEN/],
  [{ ...both, KAFKA_SASL_MECHANISM: "plain" }, /^KAFKA_SASL_MECHANISM: "plain" is none of PLAIN, /],
  [both, /^KAFKA_SASL_\w+ is set, but not KAFKA_SASL_MECHANISM/],
  [{ KAFKA_TLS: "yes" }, /^KAFKA_TLS: "yes" is neither true nor false$/],
  [{ KAFKA_TLS: "false", KAFKA_TLS_CA: here }, /^KAFKA_TLS_CA is set, but KAFKA_TLS=false$/],
  [{ KAFKA_TLS_CA: "/nowhere.pem" }, /^KAFKA_TLS_CA: \/nowhere\.pem cannot be read$/],
  [
    { KAFKA_TLS_CA: fileURLToPath(new URL("ring.test.ts", import.meta.url)) },
    /^KAFKA_TLS_CA: .* is not PEM$/,
  ],
  [{ KAFKA_TLS_CERT: here }, /^KAFKA_TLS_KEY is missing, which KAFKA_TLS_CERT needs$/],
  [{ KAFKA_TLS_KEY: here }, /^KAFKA_TLS_CERT is missing, which KAFKA_TLS_KEY needs$/],
];

test.each(mistakes)("%j is refused by name", (env, message) => {
  expect(() => readKafkaConnection("one:9092", env)).toThrow(message);
});

test("a file that only looks like PEM is refused at once", async () => {
  const file = join(await temporaryFolder(), "broken.pem");
  await writeFile(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect(() => readKafkaConnection("one:9092", { KAFKA_TLS_CERT: file, KAFKA_TLS_KEY: file })).toThrow(
    /^KAFKA_TLS_CA, KAFKA_TLS_CERT, KAFKA_TLS_KEY: /,
  );
});

test.each(["", "one", "one:", ":9092", "one:9092,", "http://one:9092", "one:9092;two:9092"])(
  '"%s" is no list of brokers',
  (list) => {
    expect(() => readKafkaConnection(list, {})).toThrow(/HOST:PORT/);
  },
);

test("the command ends with one line and exit code 1", async () => {
  const main = fileURLToPath(new URL("../../bridge/main.ts", import.meta.url));
  const command = runCommand(process.execPath, [main, "--brokers", "127.0.0.1:9", "--port", "0"], {
    env: { KAFKA_SASL_MECHANISM: "PLAIN", KAFKA_SASL_USERNAME: "ann" },
  });
  expect(await command.ended).toBe(1);
  expect(command.output()).toBe("hearback-bridge: KAFKA_SASL_PASSWORD is missing, which PLAIN needs\n");
});

test.each([
  ["one:9092", true],
  ["10.0.0.1:9092", false],
  ["[::1]:9092", false],
])("TLS to %s: whether a server name is asked for is %s", (broker, asked) => {
  expect(clientOptions({ brokers: [broker], tls: {} }, "x").tlsServerName).toBe(asked);
});
