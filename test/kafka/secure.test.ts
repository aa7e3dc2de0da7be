// The bridge as its command, at listeners that ask for a password, a token or a certificate: what works with the
// right one, and what whoever runs it is told about the wrong one.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test, type TestContext } from "vitest";
import { newName, basic, raw, type RawAnswer } from "../support/bridge.ts";
import { runCommand, type RunningCommand } from "../support/command.ts";
import {
  startSecureKafka,
  unsecuredToken,
  type SecureKafka,
  type SecureListener,
} from "../support/secure-kafka.ts";

type Environment = Readonly<Record<string, string>>;

interface Bridge {
  readonly url: string;
  readonly command: RunningCommand;
  /** A POST of JSON; a GET when there is no body. */
  readonly call: (
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<RawAnswer>;
}

const main = fileURLToPath(new URL("../../bridge/main.ts", import.meta.url));
const authorization = basic("dev", "dev");
/** What a wrong setting may take to show, on a machine that is busy. */
const msToTell = 5_000;

describe.skipIf(inject("kafkaBrokers") === null)("a cluster that asks who comes", () => {
  let kafka: SecureKafka;
  beforeAll(async () => {
    kafka = await startSecureKafka();
  });
  afterAll(async () => {
    await kafka?.stop();
  });

  async function startAt(
    listener: SecureListener,
    env: Environment,
    onTestFinished: TestContext["onTestFinished"],
  ): Promise<Bridge> {
    const args = [main, "--brokers", kafka.listeners[listener], "--port", "0"];
    const command = runCommand(process.execPath, args, { env });
    onTestFinished(async () => {
      command.signal("SIGKILL");
      await command.ended;
    });
    await command.printed(/listens on \S+,/);
    const [, url = ""] = /listens on (\S+),/.exec(command.output()) ?? [];
    return {
      url,
      command,
      call: (path, body, headers) =>
        raw(url + path, {
          ...(body === undefined ? {} : { method: "POST", body }),
          headers: { authorization, ...headers },
        }),
    };
  }

  const password = (mechanism: string): Environment => ({
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: kafka.user.name,
    KAFKA_SASL_PASSWORD: kafka.user.password,
  });
  const tokenFile = async (token: string): Promise<string> => {
    const file = join(kafka.folder, `${newName()}.jwt`);
    await writeFile(file, `${token}\n`);
    return file;
  };

  const right: readonly (readonly [string, SecureListener, () => Environment | Promise<Environment>])[] = [
    ["PLAIN", "sasl", () => password("PLAIN")],
    ["SCRAM-SHA-256", "sasl", () => password("SCRAM-SHA-256")],
    ["SCRAM-SHA-512", "sasl", () => password("SCRAM-SHA-512")],
    [
      "OAUTHBEARER with a token",
      "sasl",
      () => ({ KAFKA_SASL_MECHANISM: "OAUTHBEARER", KAFKA_SASL_TOKEN: unsecuredToken("ann") }),
    ],
    [
      "OAUTHBEARER with a file",
      "sasl",
      async () => ({
        KAFKA_SASL_MECHANISM: "OAUTHBEARER",
        KAFKA_SASL_TOKEN_FILE: await tokenFile(unsecuredToken("ann")),
      }),
    ],
    ["TLS", "ssl", () => ({ KAFKA_TLS_CA: kafka.files.ca })],
    [
      "TLS with a client certificate",
      "mutualSsl",
      () => ({
        KAFKA_TLS_CA: kafka.files.ca,
        KAFKA_TLS_CERT: kafka.files.clientCert,
        KAFKA_TLS_KEY: kafka.files.clientKey,
      }),
    ],
    [
      "TLS and SCRAM-SHA-512",
      "saslSsl",
      () => ({ ...password("SCRAM-SHA-512"), KAFKA_TLS_CA: kafka.files.ca }),
    ],
  ];

  test.concurrent.for(right)(
    "%s: records go through it, fetched and to a group",
    async ([, listener, env], context) => {
      const { command, call } = await startAt(listener, await env(), context.onTestFinished);
      const topic = newName();
      const produced = await call(`/produce/${topic}`, { key: "k", value: "v" });
      expect(produced.json, command.output()).toMatchObject([{ topic, offset: 0 }]);
      const record = {
        topic,
        partition: (produced.json as { partition: number }[])[0]?.partition,
        offset: 0,
      };
      expect((await call("/fetch", { ...record, timeout: 5_000 })).json).toMatchObject([
        { ...record, key: "k", value: "v" },
      ]);
      const earliest = { "kafka-auto-offset-reset": "earliest" };
      const consumed = await call(`/consume/${topic}/one`, { topic, timeout: 10_000 }, earliest);
      expect(consumed.json, command.output()).toMatchObject([{ ...record, value: "v" }]);
      expect((await call(`/commit/${topic}/one`, [{ ...record, offset: 1 }])).status).toBe(200);
      expect((await call("/readyz")).status).toBe(200);
      command.signal("SIGTERM");
      expect(await command.ended, command.output()).toBe(0);
      expect(command.output()).not.toMatch(/warning|TLS|SASL|cannot be reached/i);
    },
  );

  const wrong: readonly (readonly [
    string,
    SecureListener,
    () => Environment | Promise<Environment>,
    RegExp,
  ])[] = [
    [
      "a wrong password, PLAIN",
      "sasl",
      () => ({ ...password("PLAIN"), KAFKA_SASL_PASSWORD: "guess" }),
      /authentication failed.*Invalid username or password/,
    ],
    [
      "a wrong password, SCRAM",
      "sasl",
      () => ({ ...password("SCRAM-SHA-256"), KAFKA_SASL_PASSWORD: "guess" }),
      /authentication failed.*invalid credentials/,
    ],
    [
      "a token that ran out",
      "sasl",
      () => ({ KAFKA_SASL_MECHANISM: "OAUTHBEARER", KAFKA_SASL_TOKEN: unsecuredToken("ann", -60_000) }),
      /authentication failed.*invalid_token/,
    ],
    [
      "a file of a token that is not there",
      "sasl",
      () => ({
        KAFKA_SASL_MECHANISM: "OAUTHBEARER",
        KAFKA_SASL_TOKEN_FILE: join(kafka.folder, "nowhere.jwt"),
      }),
      /nowhere\.jwt/,
    ],
    [
      "a mechanism that the listener does not have",
      "saslSsl",
      () => ({ ...password("PLAIN"), KAFKA_TLS_CA: kafka.files.ca }),
      /authentication failed.*mechanism/i,
    ],
    ["no credentials where some are asked for", "sasl", () => ({}), /asks for SASL/],
    ["credentials where none are asked for", "plaintext", () => password("PLAIN"), /listener without SASL/],
    [
      "a certificate of an authority that is not trusted",
      "ssl",
      () => ({ KAFKA_TLS_CA: kafka.files.otherCa }),
      /certificate/,
    ],
    [
      "a certificate of an authority that the system does not know",
      "ssl",
      () => ({ KAFKA_TLS: "true" }),
      /certificate/,
    ],
    [
      "no certificate where one is asked for",
      "mutualSsl",
      () => ({ KAFKA_TLS_CA: kafka.files.ca }),
      /certificate/,
    ],
    [
      "TLS to a listener without",
      "plaintext",
      () => ({ KAFKA_TLS_CA: kafka.files.ca }),
      /listener without TLS/,
    ],
    ["no TLS to a listener with it", "ssl", () => ({}), /requires TLS/],
  ];

  test.concurrent.for(wrong)(
    "%s: says so, and goes on trying",
    async ([, listener, env, reason], context) => {
      const topic = newName();
      const { url, command, call } = await startAt(listener, await env(), context.onTestFinished);
      const startedAt = Date.now();
      const reasonOf = async (): Promise<string> => {
        const { status, json } = await call("/readyz");
        expect(status).toBe(503);
        return (json as { reason: string }).reason;
      };
      while ((await reasonOf()).includes("not been reached yet"));
      expect(Date.now() - startedAt).toBeLessThan(msToTell);
      expect(await reasonOf()).toMatch(reason);

      const produced = await call(`/produce/${topic}`, { value: "v" });
      expect([produced.status, produced.headers["retry-after"]]).toEqual([503, "1"]);
      expect((produced.json as { error: string }).error).toMatch(reason);
      // Whoever waits costs next to nothing: nothing is tried without a pause.
      const cpuSeconds = async (): Promise<number> => {
        const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
        return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]);
      };
      const before = await cpuSeconds();
      const [fetched, consumed] = await Promise.all([
        call("/fetch", { topic, partition: 0, offset: 0, timeout: 1_500 }),
        call("/consume/g/i", { topic, timeout: 1_500 }),
      ]);
      expect([fetched.status, fetched.json]).toEqual([200, []]);
      expect([consumed.status, consumed.json]).toEqual([200, []]);
      expect((await cpuSeconds()) - before).toBeLessThan(0.75);
      expect(await reasonOf()).toMatch(reason);
      command.signal("SIGTERM");
      expect(await command.ended).toBe(0);
    },
  );
});
