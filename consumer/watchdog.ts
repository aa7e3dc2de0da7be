// The regular look after the drain: which object drains a deployment, and what each cron tick does.
// The drain itself decides what a tick means, and until when it sleeps.

import { logCause } from "../protocol/index.ts";
import { assignmentOf, type DrainConfig } from "./assignment.ts";
import type { DrainLedger, ReplyDrain } from "./reply-drain.ts";

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

export interface ConsumerOptions {
  /**
   * Its drain never sleeps, and each tick writes what it has read into the log: for a drain that no gateway nudges,
   * which would be asked for replies once a minute only. Not unless given.
   */
  readonly staysAwake?: boolean;
}

/** Longer than the time between two ticks, one of which may be late. */
const awakeForMs = 150_000;

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
export function createConsumer(
  config: ConsumerConfig,
  { staysAwake = false }: ConsumerOptions = {},
): {
  scheduled(controller: ScheduledController, env: ConsumerEnv): Promise<void>;
} {
  const assignment = assignmentOf(config);
  return {
    async scheduled(_controller, env) {
      try {
        const drain = drainOf(placementOf(config, env));
        await drain.tick(assignment);
        if (!staysAwake) return;
        await drain.nudge(assignment, Date.now() + awakeForMs);
        console.log(`hearback: ${wordsFor(await drain.ledger())}`);
      } catch (cause) {
        // Out of reach now; the next tick looks again.
        console.warn(`hearback: the drain is out of reach of its watchdog: ${logCause(cause)}`);
      }
    },
  };
}

/** Figures alone: replies that were read, and how far they are. */
function wordsFor({ health, partitions }: Pick<DrainLedger, "health" | "partitions">): string {
  const sum = (count: (partition: DrainLedger["partitions"][number]) => number) =>
    partitions.reduce((total, partition) => total + count(partition), 0);
  const read = sum((partition) => partition.read);
  const inFlight = sum((partition) => partition.inFlight);
  return `the drain is ${health}: ${read} replies read on ${partitions.length} partitions, ${inFlight} in flight`;
}
