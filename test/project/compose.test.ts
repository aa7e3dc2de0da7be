// The form of compose.yaml, as far as it can be seen without Docker: one Kafka version everywhere, and listeners,
// ports and addresses that agree with each other.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";

interface Compose {
  readonly services: {
    readonly kafka: {
      readonly image: string;
      readonly ports: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly volumes: readonly string[];
      readonly healthcheck: { readonly test: readonly string[] };
    };
    readonly bridge: {
      readonly build: { readonly context: string; readonly dockerfile: string };
      readonly command: readonly string[];
      readonly ports: readonly string[];
      readonly depends_on: { readonly kafka: { readonly condition: string } };
    };
  };
  readonly volumes: Readonly<Record<string, unknown>>;
}

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const { services, volumes } = parse(readFileSync(path("compose.yaml"), "utf8")) as Compose;
const { kafka, bridge } = services;

/** `NAME://host:port` of a list, by name. */
function listenersIn(setting: string): Map<string, string> {
  const list = kafka.environment[setting] ?? "";
  return new Map(
    list.split(",").map((one) => {
      const [name = "", address = ""] = one.split("://");
      return [name, address];
    }),
  );
}

const listeners = listenersIn("KAFKA_LISTENERS");
const advertised = listenersIn("KAFKA_ADVERTISED_LISTENERS");

function optionOf(command: readonly string[], option: string): string | undefined {
  return command[command.indexOf(option) + 1];
}

test("Kafka is the version that npm run kafka starts", () => {
  const [, version] =
    /<kafka\.version>(.+)<\/kafka\.version>/.exec(readFileSync(path("dev/kafka/pom.xml"), "utf8")) ?? [];
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(kafka.image).toBe(`apache/kafka:${version}`);
});

test("every listener has a protocol, and is advertised on its own port unless it is the controller's", () => {
  const protocols = (kafka.environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] ?? "").split(",");
  expect(protocols.map((one) => one.split(":")[0])).toEqual([...listeners.keys()]);
  const controller = kafka.environment["KAFKA_CONTROLLER_LISTENER_NAMES"] ?? "";
  expect([...advertised.keys(), controller]).toEqual([...listeners.keys()]);
  for (const [name, address] of advertised) expect(address).toMatch(new RegExp(`${listeners.get(name)}$`));
  const voter = kafka.environment["KAFKA_CONTROLLER_QUORUM_VOTERS"];
  expect(voter).toBe(`${kafka.environment["KAFKA_NODE_ID"]}@kafka${listeners.get(controller)}`);
});

test("this machine reaches what is advertised to it, and nobody beyond it reaches anything", () => {
  const host = advertised.get("HOST") ?? "";
  expect(kafka.ports).toEqual([`${host}${listeners.get("HOST")}`]);
  for (const port of [...kafka.ports, ...bridge.ports]) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
});

test("the bridge and the health check use the address that is advertised to containers", () => {
  const internal = advertised.get(kafka.environment["KAFKA_INTER_BROKER_LISTENER_NAME"] ?? "");
  expect(internal).toMatch(/^kafka:\d+$/);
  expect(optionOf(bridge.command, "--brokers")).toBe(internal);
  expect(optionOf(kafka.healthcheck.test, "--bootstrap-server")).toBe(internal);
  expect(bridge.depends_on.kafka.condition).toBe("service_healthy");
  expect(bridge.ports).toEqual([expect.stringMatching(`:${optionOf(bridge.command, "--port")}$`)]);
});

test("Kafka's data is in a named volume, and the bridge's Dockerfile is there", () => {
  const [volume = "", folder] = kafka.volumes[0]?.split(":") ?? [];
  expect(folder).toBe(kafka.environment["KAFKA_LOG_DIRS"]);
  expect(Object.keys(volumes)).toContain(volume);
  expect(existsSync(path(`${bridge.build.context}/${bridge.build.dockerfile}`))).toBe(true);
});
