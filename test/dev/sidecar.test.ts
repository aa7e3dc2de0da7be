// `npm run sidecar` where nothing need be started: its command line, and what it makes of the gateway's config.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { wantedTopics } from "../../dev/topics/index.ts";
import { compatibilityDate, compatibilityFlags } from "../../dev/worker-bundle.ts";
import { configForSidecar, nameFrom } from "../../sidecar/one-service.ts";
import { variablesOf } from "../../sidecar/variables.ts";
import { parseSidecarOptions } from "../../sidecar/options.ts";
import { defineGateway } from "../../worker/config.ts";

const shared = { replyTopic: "replies", replyPartitions: 3 };
const config = defineGateway({
  drainLocation: "weur",
  services: {
    orders: { route: "POST /orders", requestTopic: "orders", ...shared },
    baskets: { route: "GET /baskets/:id", requestTopic: "baskets", timeoutMs: 5_000, ...shared },
  },
});

test("a sidecar has one service of the config, and its replies on a topic of its own", () => {
  const { services } = configForSidecar(config, "baskets", "host-1");
  expect(services).toEqual([{ ...config.services[1], replyTopic: "replies.host-1" }]);
  expect(wantedTopics(services).map(({ name, partitions }) => [name, partitions])).toEqual([
    ["baskets", 3],
    ["replies.host-1", 3],
  ]);
});

test.each([
  ["customers", "a", '--service: received "customers"; the config has orders, baskets'],
  ["orders", "a b", '--name: received "a b"; it must be made of a-z A-Z 0-9 . _ -'],
  ["orders", "", '--name: received ""; it must be made of'],
  ["orders", "a".repeat(242), "it makes a topic name of more than 249 characters"],
])("service %j with name %j is refused in one sentence", (service, name, sentence) => {
  expect(() => configForSidecar(config, service, name)).toThrow(sentence);
});

test("a reply topic that would be the service's request topic is refused", () => {
  const unlucky = defineGateway({
    services: { a: { route: "GET /a", requestTopic: "t.x", replyTopic: "t" } },
  });
  expect(() => configForSidecar(unlucky, "a", "x")).toThrow("it makes the name of the request topic");
});

test("a host's name is made fit for a topic's", () => {
  expect(nameFrom("orders-Ada's-laptop.local")).toBe("orders-Ada-s-laptop.local");
});

test("it stands on Kafka unless it is told to have a log of its own, and is named after its service and host", () => {
  const parse = (...args: string[]) => {
    const parsed = parseSidecarOptions(["--service", "orders", ...args], "host 1");
    return parsed.kind === "run" ? parsed.options : parsed;
  };
  expect(parse()).toEqual({
    service: "orders",
    name: "orders-host-1",
    brokers: "127.0.0.1:9092",
    config: "hearback.config.ts",
    host: "127.0.0.1",
    port: 8787,
    bridgePort: 0,
    state: undefined,
  });
  expect(parse("--brokers", "embedded", "--state", "kept")).toMatchObject({
    brokers: undefined,
    state: "kept",
  });
  expect(parse("--port", "0")).toMatchObject({
    message: expect.stringContaining('--port: received "0"; must be a whole number from 1 to 65535'),
  });
  expect(parseSidecarOptions([], "h")).toMatchObject({
    message: expect.stringContaining("--service is needed"),
  });
});

test("its Worker runs with the date and flags of the deployed one", () => {
  const toml = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  expect(toml).toContain(`compatibility_date = "${compatibilityDate}"`);
  expect(toml).toContain(`compatibility_flags = ${JSON.stringify(compatibilityFlags)}`);
});

test("a sidecar hands on the secrets of its service and no others, and does not start without them", () => {
  const environment = { KEYS: "[]", MORE_KEYS: "[]", HEARBACK_OPERATOR_TOKEN: "token", PATH: "/bin" };
  const keyed = { correlationIds: "hex", authentication: [{ apiKeys: "KEYS" }] } as const;
  expect(variablesOf(keyed, environment)).toEqual({ KEYS: "[]", HEARBACK_OPERATOR_TOKEN: "token" });
  expect(() => variablesOf(keyed, { PATH: "/bin" })).toThrow("KEYS is not set");
  const uuid = { correlationIds: "uuid", authentication: [] } as const;
  expect(() => variablesOf(uuid, { CORRELATION_ID_SECRET: "short" })).toThrow("at least 32 characters");
  const called = {
    correlationIds: "hex",
    authentication: [],
    callbacks: { hosts: ["hooks.example.com"], secret: "HOOKS" },
  } as const;
  expect(variablesOf(called, { HOOKS: "whsec_…", KEYS: "[]" })).toEqual({ HOOKS: "whsec_…" });
  expect(() => variablesOf(called, {})).toThrow("HOOKS is not set");
});
