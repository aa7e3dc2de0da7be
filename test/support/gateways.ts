// Starts several gateways side by side over one bridge, in one workerd behind one address. Each is a Worker with a
// script name of its own, as separate deployments must be: runtimes with the same name take each other's IDs for theirs.

import { fileURLToPath } from "node:url";
import { createTestHarness, type TestHarness } from "wrangler";
import type { GatewayOptions } from "../../worker/config.ts";
import { credentialsFor, ledgerOf, type LedgerAnswer, type LedgerTotals } from "./loop.ts";
import type { GatewayBuild } from "./previous-build.ts";

export interface GatewayPlan {
  /** Its script name, and the first segment of its address. */
  readonly name: string;
  readonly options: GatewayOptions;
  /** Variables beside those that every gateway has. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The gateway whose waiters it uses; without it, its own. */
  readonly waitersOf?: string;
  /** The gateway whose drain it uses; without it, its own. */
  readonly drainOf?: string;
  /** The code it runs; without it, the files at hand. */
  readonly build?: GatewayBuild;
}

export interface RunningGateway {
  readonly name: string;
  /** Prefix of its routes, without a slash at the end; real HTTP. */
  readonly url: string;
  ledger(): Promise<LedgerTotals>;
  /** As `topic/partition`. */
  partitionsRead(): Promise<readonly string[]>;
  /** What the cron trigger does every minute. */
  tick(): Promise<void>;
  /** Ends its own drain object as a deploy does: at once, with what it had in memory. */
  resetDrain(): Promise<void>;
}

export interface Gateways<Name extends string = string> {
  readonly server: TestHarness;
  readonly byName: Readonly<Record<Name, RunningGateway>>;
  readonly all: readonly RunningGateway[];
  /** These plans from now on, on what the objects have stored: requests under way are cut off, addresses are new. */
  redeploy(plans: readonly (GatewayPlan & { readonly name: Name })[]): Promise<Gateways<Name>>;
}

/** Signs the UUIDs of all of them. */
const uuidSecret = "a secret of the tests that is long enough";
const fixture = (file: string) => fileURLToPath(new URL(`../fixtures/loop/${file}`, import.meta.url));

/**
 * One harness for all: on two cores ten gateways in one workerd start in seconds and need a fraction of the memory of
 * ten harnesses, each of which brings two workerd of its own. They share one thread then, as they would one core.
 */
export async function startGateways<const Name extends string>(
  bridgeUrl: string,
  plans: readonly (GatewayPlan & { readonly name: Name })[],
  later: (cleanup: () => unknown) => void,
): Promise<Gateways<Name>> {
  const server = createTestHarness(workersOf(plans, bridgeUrl));
  later(() => server.close());
  return listening(server, plans, bridgeUrl);
}

async function listening<Name extends string>(
  server: TestHarness,
  plans: readonly (GatewayPlan & { readonly name: Name })[],
  bridgeUrl: string,
): Promise<Gateways<Name>> {
  const { url } = await server.listen();
  const all = plans.map(({ name }) => runningGateway(server, name, `${url.origin}/${name}`));
  const byName = Object.fromEntries(all.map((gateway) => [gateway.name, gateway]));
  return {
    server,
    all,
    byName: byName as Record<Name, RunningGateway>,
    async redeploy(next) {
      await server.update(workersOf(next, bridgeUrl));
      return listening(server, next, bridgeUrl);
    },
  };
}

function workersOf(plans: readonly GatewayPlan[], bridgeUrl: string) {
  return { workers: [frontOf(plans), ...plans.map((plan) => workerOf(plan, bridgeUrl))] };
}

const shared = {
  compatibility_date: "2026-10-23",
  compatibility_flags: ["enable_request_signal"],
};

function frontOf(plans: readonly GatewayPlan[]) {
  return {
    config: {
      ...shared,
      name: "front",
      main: fixture("front.ts"),
      services: plans.map(({ name }) => ({ binding: name, service: name })),
    },
  };
}

function workerOf(plan: GatewayPlan, bridgeUrl: string) {
  const { name, options, variables, waitersOf, drainOf, build } = plan;
  const binding = (of: string | undefined) => (of === undefined ? {} : { script_name: of });
  return {
    config: {
      ...shared,
      name,
      ...(build === undefined ? { main: fixture("routed-entry.ts") } : { main: build.main, no_bundle: true }),
      vars: {
        ...credentialsFor(bridgeUrl),
        HEARBACK_OPERATOR_ACCESS: "open",
        CORRELATION_ID_SECRET: uuidSecret,
        GATEWAY_OPTIONS: JSON.stringify(options),
        ...variables,
      },
      durable_objects: {
        bindings: [
          { name: "WAITER", class_name: "Waiter", ...binding(waitersOf) },
          { name: "REPLY_DRAIN", class_name: "ReplyDrain", ...binding(drainOf) },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Waiter", "ReplyDrain"] }],
    },
  };
}

interface DrainNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { reset(): Promise<void> };
}

function runningGateway(server: TestHarness, name: string, url: string): RunningGateway {
  const worker = () => server.getWorker<{ REPLY_DRAIN: DrainNamespace }>(name);
  return {
    name,
    url,
    ledger: () => ledgerOf(url),
    async partitionsRead() {
      const response = await fetch(`${url}/_hearback/ledger`);
      const { partitions } = (await response.json()) as LedgerAnswer;
      return partitions.map(({ topic, partition }) => `${topic}/${partition}`);
    },
    async tick() {
      await worker().scheduled({ cron: "* * * * *" });
    },
    async resetDrain() {
      const { REPLY_DRAIN } = await worker().getEnv();
      // The call ends with the object it was made to.
      await REPLY_DRAIN.get(REPLY_DRAIN.idFromName("drain-0"))
        .reset()
        .catch(() => undefined);
    },
  };
}
