// What deployments of a test stand on: a log with its bridge, an echo behind it, the one service that they serve; and
// callers who all wait before anything happens to them.

import { openEmbeddedLog, type Credentials } from "../../bridge/index.ts";
import type { CorrelationIdForm } from "../../protocol/index.ts";
import type { GatewayOptions } from "../../worker/config.ts";
import type { Deployment, WaitersSeen } from "./deployment.ts";
import { startEchoService, type EchoService } from "./echo-service.ts";
import { bridgeOver } from "./embedded-bridge.ts";
import { ledgerOf, type LedgerTotals } from "./loop.ts";
import { byCallers } from "./pace.ts";
import { callerKinds, startCaller, type Caller, type CallerKind } from "./waiting-callers.ts";

const requestTopic = "deployed.requests.v1";
const replyTopic = "deployed.replies.v1";
const partitions = 3;
const service = "slow";

export interface ClusterBehind {
  readonly bridgeUrl: string;
  readonly echo: EchoService;
}

/** A cluster of its own: another one has none of its records. Undone by `later`. */
export async function startClusterBehind(
  later: (cleanup: () => unknown) => void,
  credentials?: Credentials,
): Promise<ClusterBehind> {
  const topics = new Map([
    [requestTopic, partitions],
    [replyTopic, partitions],
  ]);
  const log = openEmbeddedLog({ topics });
  const { url } = await bridgeOver(log, later, undefined, credentials);
  const echo = startEchoService(log, requestTopic, partitions);
  later(() => echo.stop());
  return { bridgeUrl: url, echo };
}

export function deployedOptions(correlationIds: CorrelationIdForm = "hex"): GatewayOptions {
  return {
    workersPlan: "paid",
    produceTimeoutMs: 5_000,
    services: {
      [service]: {
        requestTopic,
        replyTopic,
        replyPartitions: partitions,
        route: `POST /${service}`,
        timeoutMs: 60_000,
        asyncTimeoutMs: 60_000,
        retentionMs: 60_000,
        breaker: false,
        capacity: 100_000,
        correlationIds,
      },
    },
  };
}

export interface Waiting {
  /** Parked, or polling, before the last ones come. */
  readonly early: Readonly<Record<CallerKind, number>>;
  /** Come at the end, so that they are held. */
  readonly last: Readonly<Partial<Record<CallerKind, number>>>;
}

export interface WaitingCallers {
  readonly callers: readonly Caller[];
  /** IDs of the waiters that hold theirs; the others have parked them. */
  readonly held: ReadonlySet<string>;
}

/** Resolves when all of them wait, and their requests are with the service. `front` says where to ask. */
export async function startWaiting(
  { early, last }: Waiting,
  front: () => string,
  objects: Deployment,
  echo: EchoService,
): Promise<WaitingCallers> {
  const begin = async (numbers: Waiting["last"]): Promise<Caller[]> => {
    const kinds = callerKinds.flatMap((kind) => Array<CallerKind>(numbers[kind] ?? 0).fill(kind));
    // A few at a time, or a slow disk would have some of them refused.
    return byCallers(kinds.length, atATime, async (at) => {
      return startOne(kinds[at] ?? "plain", front, echo);
    });
  };
  const callers = await begin(early);
  await waitingAt(objects, ({ held, parked }) => held === 0 && parked === callers.length);
  callers.push(...(await begin(last)));
  await waitingAt(objects, ({ held, parked }) => held + parked === callers.length);
  return { callers, held: new Set(heldNow(await objects.waiters())) };
}

/** Resolves when its request is with the service. */
export async function startOne(kind: CallerKind, front: () => string, echo: EchoService): Promise<Caller> {
  const hasBegun = (nonce: string) => echo.recordsOf(nonce) > 0;
  const caller = startCaller(kind, { gateway: front, service, hasBegun });
  await echo.idOf(caller.nonce);
  return caller;
}

export interface SettledLedger extends LedgerTotals {
  readonly balanced: boolean;
}

/** Once as many replies have a verdict, and none is on its way. */
export async function settledLedger({ url }: Deployment, replies: number): Promise<SettledLedger> {
  const giveUpAt = Date.now() + settleWithinMs;
  for (;;) {
    const ledger = await ledgerOf(url);
    if (ledger.settled >= replies && ledger.inFlight === 0) {
      const { balanced } = (await (await fetch(`${url}/_hearback/ledger`)).json()) as { balanced: boolean };
      return { ...ledger, balanced };
    }
    if (Date.now() > giveUpAt) throw new Error(`the ledger stays at ${JSON.stringify(ledger)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const settleWithinMs = 30_000;
const atATime = 40;

function heldNow({ waiters }: WaitersSeen): string[] {
  return Object.entries(waiters).flatMap(([id, { held }]) => (held > 0 ? [id] : []));
}

/** Nobody is answered meanwhile: whoever was parked is. */
async function waitingAt(
  objects: Deployment,
  areThere: (counts: { readonly held: number; readonly parked: number }) => boolean,
): Promise<void> {
  const giveUpAt = Date.now() + settleWithinMs;
  for (;;) {
    const seen = await objects.waiters();
    const held = heldNow(seen).length;
    const parked = Object.values(seen.waiters).filter((one) => one.held === 0 && one.parks > 0).length;
    if (areThere({ held, parked })) return;
    if (Date.now() > giveUpAt) throw new Error(`only ${held} are held and ${parked} parked`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
