// The form of compose.yaml, as far as it can be told without an engine that runs it: that it agrees with itself,
// and with the code and versions it names.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { expect, test } from "vitest";
import { readSettings } from "../../bridge/settings.ts";

const root = new URL("../../", import.meta.url);
const read = (file: string) => readFileSync(fileURLToPath(new URL(file, root)), "utf8");

interface Healthcheck {
  readonly test: readonly string[];
  readonly interval: string;
}
interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly hostname?: string;
  readonly command?: readonly string[];
  readonly ports: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck: Healthcheck;
}
interface Compose {
  readonly services: { readonly kafka: Service; readonly bridge: Service };
  readonly volumes: Readonly<Record<string, unknown>>;
}

const { services, volumes } = parse(read("compose.yaml")) as Compose;
const { kafka, bridge } = services;
const broker = kafka.environment;

/** `NAME://host:port,…` by name. */
function listeners(text = ""): Map<string, { host: string; port: string }> {
  return new Map(
    text.split(",").map((listener) => {
      const [, name = "", host = "", port = ""] = /^(\w+):\/\/([^:]*):(\d+)$/.exec(listener) ?? [];
      return [name, { host, port }] as const;
    }),
  );
}
const listening = listeners(broker["KAFKA_LISTENERS"]);
const advertised = listeners(broker["KAFKA_ADVERTISED_LISTENERS"]);

/** What the bridge makes of the command line and of the environment that it gets here. */
function bridgeSettings(password: string) {
  const env = { ...bridge.environment, HEARBACK_BRIDGE_PASSWORD: password };
  const settings = readSettings(bridge.command ?? [], env);
  if (settings.command !== "serve") throw new Error(`the bridge would run ${settings.command}`);
  return settings;
}

test("Kafka is the official image, of the version that the tests run", () => {
  const [, version] = /<kafka\.version>(.+)<\/kafka\.version>/.exec(read("dev/kafka/pom.xml")) ?? [];
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(kafka.image).toBe(`apache/kafka:${version}`);
});

test("each side of the network has a listener that leads back to where it came from", () => {
  const controller = broker["KAFKA_CONTROLLER_LISTENER_NAMES"] ?? "";
  expect([...listening.keys()].toSorted()).toEqual([...advertised.keys(), controller].toSorted());
  for (const [name, { port }] of advertised) expect(listening.get(name)?.port).toBe(port);
  expect(new Set([...listening.values()].map(({ port }) => port)).size).toBe(listening.size);

  const secured = new Map(
    broker["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
      ?.split(",")
      .map((pair) => pair.split(":") as [string, string]),
  );
  expect([...secured.keys()].toSorted()).toEqual([...listening.keys()].toSorted());

  const addresses = [...advertised.values()].map(({ host, port }) => `${host}:${port}`);
  expect(addresses).toContain(bridgeSettings("secret").brokers);
  expect(bridgeSettings("secret").brokers).toMatch(/^kafka:/);
  for (const port of kafka.ports) expect(addresses).toContain(port.split(":").slice(0, 2).join(":"));
});

test("the single broker is its own quorum, on the port it listens on, and needs no second one", () => {
  const controller = listening.get(broker["KAFKA_CONTROLLER_LISTENER_NAMES"] ?? "");
  expect(broker["KAFKA_CONTROLLER_QUORUM_VOTERS"]).toBe(
    `${broker["KAFKA_NODE_ID"]}@${kafka.hostname}:${controller?.port}`,
  );
  expect(broker["KAFKA_PROCESS_ROLES"]?.split(",").toSorted()).toEqual(["broker", "controller"]);
  expect(advertised.has(broker["KAFKA_INTER_BROKER_LISTENER_NAME"] ?? "")).toBe(true);
  for (const [name, value] of Object.entries(broker)) {
    if (/_(REPLICATION_FACTOR|MIN_ISR)$/.test(name)) expect([name, value]).toEqual([name, "1"]);
  }
  expect(Buffer.from(broker["CLUSTER_ID"] ?? "", "base64url")).toHaveLength(16);
});

test("what Kafka keeps lies on a volume", () => {
  const folders = kafka.volumes?.map((volume) => volume.split(":")) ?? [];
  expect(folders.map(([, folder]) => folder)).toContain(broker["KAFKA_LOG_DIRS"]);
  for (const [name = ""] of folders) expect(volumes).toHaveProperty(name);
});

test("the bridge is built from a Dockerfile that is there, and starts with options that it knows", () => {
  expect(bridge.build?.context).toBe(".");
  expect(existsSync(fileURLToPath(new URL(bridge.build?.dockerfile ?? "", root)))).toBe(true);
  const { host, port } = bridgeSettings("secret");
  expect(host).toBe("0.0.0.0");
  expect(bridge.ports).toEqual([`127.0.0.1:${port}:${port}`]);
});

test("the bridge does not start without a password that somebody chose", () => {
  const { HEARBACK_BRIDGE_PASSWORD: password } = bridge.environment;
  expect(password).toMatch(/^\$\{HEARBACK_BRIDGE_PASSWORD:\?.+\}$/);
  expect(() => bridgeSettings("dev")).toThrow("the password is the default one");
});

test("nothing is published to other machines", () => {
  for (const { ports } of Object.values(services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  }
});

test("both are watched, Kafka where the bridge reaches it; the bridge waits for it", () => {
  expect(kafka.healthcheck.test[0]).toBe("CMD");
  expect(kafka.healthcheck.test.at(-1)).toBe(bridgeSettings("secret").brokers);
  expect(bridge.depends_on).toEqual({ kafka: { condition: "service_healthy" } });
  expect(bridge.healthcheck.test.at(-1)).toContain(
    `http://127.0.0.1:${bridgeSettings("secret").port}/readyz`,
  );
});
