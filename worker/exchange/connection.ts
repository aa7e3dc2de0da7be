// What the use cases need of the platform for one HTTP request: Kafka, the waiter, the drain, time. Wiring only.

import type { Context } from "hono";
import { drainOf } from "../../consumer/library.ts";
import type { KafkaPort } from "../../kafka/index.ts";
import type { AppEnv, GatewayDeps } from "../app.ts";
import type { ParkedWaits } from "./parked-waits.ts";
import type { WaiterStub } from "./waiter-port.ts";

export interface Connection {
  readonly kafka: KafkaPort;
  /** A new stub at each call: a held call may live on in an old instance, and a broken stub stays broken. */
  readonly waiter: () => WaiterStub;
  /** Keeps the drain awake until the first instant, and reading our partitions until the second (epoch ms). */
  readonly nudge: (awakeUntil: number, neededUntil: number, waitsLong: boolean) => Promise<void>;
  /** Lets work outlive the answer. */
  readonly afterwards: (work: Promise<unknown>) => void;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Of this isolate. */
  readonly parkedWaits: ParkedWaits;
}

export function connect(c: Context<AppEnv>, deps: GatewayDeps, waiterId: DurableObjectId): Connection {
  const { env } = c;
  return {
    kafka: deps.kafkaFor(env),
    waiter: () => env.WAITER.get(waiterId),
    nudge: (awakeUntil, neededUntil, waitsLong) =>
      deps.nudger.nudge(() => drainOf(deps.placementFor(env)), {
        awakeUntil,
        neededUntil,
        waitsLong,
        now: Date.now(),
      }),
    afterwards: (work) => c.executionCtx.waitUntil(work),
    now: Date.now,
    pause: (ms) => scheduler.wait(ms),
    parkedWaits: deps.parkedWaits,
  };
}
