// The loop for tests of durable waiters: a bridge over a log in this process, the instrumented gateway in a workerd
// that can be killed, an echo behind it. How a test asks, and how it looks into a waiter and resets it.

import { openEmbeddedLog } from "../../bridge/index.ts";
import type { Log } from "../../kafka/log/index.ts";
import { partitions, replyTopic, requestTopic } from "../fixtures/loop/durable-config.ts";
import type { Meter } from "../fixtures/loop/meter-reading.ts";
import { startEchoService, type EchoRequest, type EchoService } from "./echo-service.ts";
import { bridgeOver } from "./embedded-bridge.ts";
import { credentialsFor } from "./loop.ts";
import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** On the clock of `performance`, when its first bytes were there. */
  readonly answeredAt: number;
}

export interface InsideOfWaiter {
  /** Callers held by RPC. */
  readonly held: number;
  /** Callers on a socket. */
  readonly parked: number;
  readonly rows: number;
  readonly alarm: number | null;
  /** Of its database, with all that the platform keeps in it. */
  readonly bytes: number;
}

/** What objects did that is billed, since workerd runs. */
export interface ShownMeters {
  /** By ID. */
  readonly waiters: Readonly<Record<string, Meter>>;
  readonly drains: readonly Meter[];
  /** Calls of Kafka REST by the last part of their path. */
  readonly kafka: Readonly<Record<string, number>>;
}

export interface LifeOfWaiter {
  /** How often it was built: once more each time that it hibernated, was evicted or was reset. */
  readonly constructions: number;
  /** By a test. */
  readonly resets: number;
}

export interface DurableLoop {
  readonly gateway: RestartableGateway;
  readonly echo: EchoService;
  readonly log: Log;
  /** POSTs to a service of the fixture's config; headers as they are. */
  ask(service: string, body: EchoRequest, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** Wakes it. */
  inside(id: string): Promise<InsideOfWaiter>;
  /** Ends the object at once, with what it had in memory. */
  reset(id: string): Promise<void>;
  /** Of each object since workerd runs, by ID. Wakes nobody. */
  lives(): Promise<Readonly<Record<string, LifeOfWaiter>>>;
  /** How often any waiter held a caller, and parked one, since workerd runs. */
  counts(): Promise<{ readonly holds: number; readonly parks: number }>;
  /** Of a loop that is metered. Wakes nobody. */
  meters(): Promise<ShownMeters>;
  collectGarbage(): Promise<void>;
  /** What the cron trigger does every minute. */
  tick(): Promise<void>;
}

export interface DurableLoopOptions {
  /** Every wait is held for so long before it is parked. Without it, as services have shown. */
  readonly fixedSpinMs?: number;
  /** What it keeps is measured: there are no `lives`; see `RestartableOptions`. */
  readonly isMeasured?: boolean;
  /** What its objects do that is billed is counted. */
  readonly isMetered?: boolean;
  /** What the gateway is told to be the bridge, given the bridge's port: a proxy before it. */
  readonly bridgeSeenAt?: (port: number) => Promise<string>;
}

/** All of it is undone by `later`. */
export async function startDurableLoop(
  later: (cleanup: () => unknown) => void,
  { fixedSpinMs, isMeasured = false, isMetered = false, bridgeSeenAt }: DurableLoopOptions = {},
): Promise<DurableLoop> {
  const log = openEmbeddedLog({
    topics: new Map([
      [requestTopic, partitions],
      [replyTopic, partitions],
    ]),
  });
  const bridge = await bridgeOver(log, later);
  const echo = startEchoService(log, requestTopic, partitions);
  later(() => echo.stop());
  const gateway = await startRestartableGateway(
    {
      entry: "test/fixtures/loop/instrumented-entry.ts",
      name: "hearback-durable",
      isMeasured,
      variables: {
        ...credentialsFor((await bridgeSeenAt?.(bridge.port)) ?? bridge.url),
        HEARBACK_OPERATOR_ACCESS: "open",
        ...(fixedSpinMs === undefined ? {} : { FIXED_SPIN_MS: fixedSpinMs }),
        ...(isMeasured ? { FORGET_LIVES: 1 } : {}),
        ...(isMetered ? { METERED: 1 } : {}),
      },
    },
    later,
  );
  const call = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${gateway.url}${path}`, init);
    const answeredAt = performance.now();
    const { status, headers } = response;
    return { status, headers, text: await response.text(), answeredAt };
  };
  const testCall = async (path: string, method = "GET"): Promise<string> => {
    const { status, text } = await call(`/_test/${path}`, { method });
    if (status >= 300) throw new Error(`${path} was answered with ${status}: ${text}`);
    return text;
  };
  return {
    gateway,
    echo,
    log,
    ask: (service, body, headers = {}) =>
      call(`/${service}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    get: (path) => call(path),
    inside: async (id) => JSON.parse(await testCall(`waiters/${id}`)) as InsideOfWaiter,
    reset: async (id) => void (await testCall(`waiters/${id}/reset`, "POST")),
    lives: async () => JSON.parse(await testCall("lives")) as Record<string, LifeOfWaiter>,
    counts: async () => JSON.parse(await testCall("counts")) as { holds: number; parks: number },
    meters: async () => JSON.parse(await testCall("meters")) as ShownMeters,
    collectGarbage: async () => void (await testCall("gc", "POST")),
    tick: async () => void (await testCall("tick", "POST")),
  };
}

/** As a header. */
export const keyed = (key: string) => ({ "idempotency-key": `"${key}"` });
