// The regular look after the drain: which object drains a deployment, and what each cron tick does.
// The drain itself decides what a tick means.

import { logCause } from "../protocol/index.ts";
import { assignmentOf, type DrainConfig } from "./assignment.ts";
import type { ReplyDrain } from "./reply-drain.ts";

/** Which drain object a deployment uses, and where it should live. */
export interface DrainPlacement {
  readonly drains: DurableObjectNamespace<ReplyDrain>;
  /** Best near the bridge; honoured by the platform only when the object is created. */
  readonly locationHint?: DurableObjectLocationHint;
}

/** A checked config as far as the consumer needs it; `defineGateway` returns one. */
export interface ConsumerConfig extends DrainConfig {
  readonly drainLocation: DurableObjectLocationHint | undefined;
}

export interface ConsumerEnv {
  readonly REPLY_DRAIN: DurableObjectNamespace<ReplyDrain>;
}

/** One drain reads all reply partitions of a deployment. */
const drainName = "drain-0";

export function placementOf({ drainLocation }: ConsumerConfig, env: ConsumerEnv): DrainPlacement {
  return {
    drains: env.REPLY_DRAIN,
    ...(drainLocation === undefined ? {} : { locationHint: drainLocation }),
  };
}

export function drainOf({ drains, locationHint }: DrainPlacement): DurableObjectStub<ReplyDrain> {
  return drains.get(drains.idFromName(drainName), locationHint === undefined ? {} : { locationHint });
}

/** The watchdog, for a Worker's default export; belongs on a cron trigger of every minute. */
export function createConsumer(config: ConsumerConfig): {
  scheduled(controller: ScheduledController, env: ConsumerEnv): Promise<void>;
} {
  const assignment = assignmentOf(config);
  return {
    async scheduled(_controller, env) {
      try {
        await drainOf(placementOf(config, env)).tick(assignment);
      } catch (cause) {
        // Out of reach now; the next tick looks again.
        console.warn(`hearback: the drain is out of reach of its watchdog: ${logCause(cause)}`);
      }
    },
  };
}
