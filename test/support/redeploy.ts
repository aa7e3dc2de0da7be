// A deploy in the middle: so many callers wait at once, the code of the gateway is replaced over its storage while
// the service answers, and each caller is seen to its end. In two forms: as the platform does it, and as a restart of
// the whole runtime, which is worse than what the platform does.

import { expect } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import type { CorrelationIdForm } from "../../protocol/index.ts";
import type { GatewayOptions } from "../../worker/config.ts";
import { bridgeOver } from "./embedded-bridge.ts";
import { makeRegistry, startDeployment, type Code, type Deployment, type WaitersSeen } from "./deployment.ts";
import { startEchoService, type EchoService } from "./echo-service.ts";
import { ledgerOf, type LedgerTotals } from "./loop.ts";
import { atRate, byCallers } from "./pace.ts";
import { callerKinds, startCaller, type Caller, type CallerKind, type Ended } from "./waiting-callers.ts";

/**
 * `the objects and the Worker`: requests in flight stay with the Worker they came to, new ones go to one of the new code, and
 * the objects are reset to the new code. `the whole runtime`: all of it ends, connections too, and comes back.
 */
export const redeployForms = ["the objects and the Worker", "the whole runtime"] as const;
export type RedeployForm = (typeof redeployForms)[number];

export interface Waiting {
  /** Parked, or polling, when the deploy comes. */
  readonly early: Readonly<Record<CallerKind, number>>;
  /** Come just before it, so that they are held. */
  readonly last: Readonly<Partial<Record<CallerKind, number>>>;
}

export interface Deploy {
  readonly from: Code;
  readonly to: Code;
  readonly correlationIds?: CorrelationIdForm;
}

export interface SeenEnd extends Omit<Ended, "askAgain"> {
  /** When the deploy began; the others were parked. */
  readonly wasHeld: boolean;
  readonly replied: "around the deploy" | "after it";
  /** Attached to its waiter when that had the new code. */
  readonly attachedAgain: boolean;
  /** Its own, on the request topic. */
  readonly records: number;
  /** Of a durable one: asked for once more, after all was over. */
  readonly again: { readonly text: string; readonly version: string } | undefined;
}

export interface Redeployed {
  /** Where requests go after it. */
  readonly front: Deployment;
  readonly objects: Deployment;
  readonly ends: readonly SeenEnd[];
  /** The code of the waiters, as it says itself after the deploy. */
  readonly waitersVersion: string;
  /** Until the new code answers. */
  readonly deployMs: number;
  /** From the end of the deploy to the last answer. */
  readonly overMs: number;
  readonly ledger: LedgerTotals & { readonly balanced: boolean };
}

const requestTopic = "deployed.requests.v1";
const replyTopic = "deployed.replies.v1";
const partitions = 3;
const service = "slow";
const optionsFor = (correlationIds: CorrelationIdForm): GatewayOptions => ({
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
});

const settleWithinMs = 30_000;
const atATime = 100;

/** Half of the replies come when the deploy does, so that it cuts their way, the other half after it. All is undone by `later`. */
export async function redeployUnderWaits(
  form: RedeployForm,
  { from, to, correlationIds = "hex" }: Deploy,
  { early, last }: Waiting,
  later: (cleanup: () => unknown) => void,
): Promise<Redeployed> {
  const topics = new Map([
    [requestTopic, partitions],
    [replyTopic, partitions],
  ]);
  const log = openEmbeddedLog({ topics });
  const bridge = await bridgeOver(log, later);
  const echo = startEchoService(log, requestTopic, partitions);
  later(() => echo.stop());
  const shared = {
    bridgeUrl: bridge.url,
    options: optionsFor(correlationIds),
    registry: await makeRegistry(later),
  };
  const isApart = form === "the objects and the Worker";

  const objects = await startDeployment({ ...shared, name: "objects", code: from }, later);
  const before = isApart
    ? await startDeployment({ ...shared, name: "gateway", code: from, objectsOf: "objects" }, later)
    : objects;
  let front = before;
  const begin = async (numbers: Waiting["last"]): Promise<Caller[]> => {
    const kinds = callerKinds.flatMap((kind) => Array<CallerKind>(numbers[kind] ?? 0).fill(kind));
    // A few at a time, or a slow disk would have some of them refused.
    return byCallers(kinds.length, atATime, async (at) => {
      const caller = startCaller(kinds[at] ?? "plain", () => front.url, service);
      await echo.idOf(caller.nonce);
      return caller;
    });
  };

  const callers = await begin(early);
  await waitingAt(objects, ({ held, parked }) => held === 0 && parked === callers.length);
  callers.push(...(await begin(last)));
  await waitingAt(objects, ({ held, parked }) => held + parked === callers.length);
  const held = new Set(heldNow(await objects.waiters()));

  // New requests meet the new code first, and objects of the old.
  if (isApart) {
    front = await startDeployment({ ...shared, name: "next-gateway", code: to, objectsOf: "objects" }, later);
  }
  const isEarly = (_: unknown, at: number): boolean => at % 2 === 0;
  // Of all kinds in turn: nonces have no order.
  const firstHalf = callers.filter(isEarly).toSorted((one, other) => one.nonce.localeCompare(other.nonce));
  // For half a second, so that the deploy is in the middle of it.
  const replying = atRate(firstHalf.length, firstHalf.length * 2, async (at) =>
    echo.release(firstHalf[at]?.nonce ?? ""),
  );
  await Promise.race(firstHalf.map(({ ended }) => ended));
  const startedAt = performance.now();
  await objects.deploy(to);
  const deployedAt = performance.now();
  await replying;
  for (const { nonce } of callers.filter((_, at) => !isEarly(_, at))) await echo.release(nonce);
  const ends = await Promise.all(callers.map(({ ended }) => ended));
  const overAt = performance.now();

  const { version, waiters } = await objects.waiters();
  const seen = ends.map(async ({ askAgain, ...end }, at): Promise<SeenEnd> => {
    // One whose connection broke was never told.
    const id = end.waiter ?? (await echo.idOf(end.nonce));
    return {
      ...end,
      wasHeld: held.has(id),
      replied: isEarly(end, at) ? "around the deploy" : "after it",
      attachedAgain: waiters[id] !== undefined && waiters[id].holds + waiters[id].parks > 0,
      again: await askAgain(),
      records: echo.recordsOf(end.nonce),
    };
  });
  return {
    front,
    objects,
    ends: await Promise.all(seen),
    waitersVersion: version,
    deployMs: deployedAt - startedAt,
    overMs: overAt - deployedAt,
    ledger: await settledLedger(front, echo),
  };
}

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

/** Once every reply has its verdict. */
async function settledLedger({ url }: Deployment, echo: EchoService): Promise<Redeployed["ledger"]> {
  const giveUpAt = Date.now() + settleWithinMs;
  for (;;) {
    const ledger = await ledgerOf(url);
    if (ledger.settled >= echo.received && ledger.inFlight === 0) {
      const { balanced } = (await (await fetch(`${url}/_hearback/ledger`)).json()) as { balanced: boolean };
      return { ...ledger, balanced };
    }
    if (Date.now() > giveUpAt) throw new Error(`the ledger stays at ${JSON.stringify(ledger)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What must hold of any deploy; fails with the ends for which it does not. */
export function expectGoodEnds(
  form: RedeployForm,
  { from, to }: Deploy,
  { ends, waitersVersion, ledger }: Redeployed,
): void {
  expect(waitersVersion).toBe(to.version);
  const [plain, durable] = [ends.filter(isPlain), ends.filter((end) => !isPlain(end))];
  expect(durable.filter(({ fate, records }) => fate !== "answered" || records !== 1)).toEqual([]);
  expect(durable.filter(({ nonce, again }) => again?.text !== nonce || again.version !== to.version)).toEqual(
    [],
  );
  if (form === "the objects and the Worker") {
    // The one gap of plain requests: an object that dies between taking its reply and handing it over.
    const mayExpire = ({ replied, fate }: SeenEnd) => replied === "around the deploy" && fate === 504;
    expect(plain.filter((end) => end.fate !== "answered" && !mayExpire(end))).toEqual([]);
    expect(durable.filter(({ cameBack }) => cameBack !== "over its connection")).toEqual([]);
    expect(ends.filter(({ version }) => version !== from.version)).toEqual([]);
  } else {
    expect(plain.filter(({ fate }) => fate !== "answered" && fate !== "broken")).toEqual([]);
  }
  const replied = ends.filter((end) => end.replied === "after it" && end.fate === "answered");
  expect(replied.filter(({ attachedAgain }) => !attachedAgain)).toEqual([]);
  expect([ledger.balanced, ledger.read, ledger.inFlight]).toEqual([true, ledger.settled, 0]);
}

function isPlain({ kind }: SeenEnd): boolean {
  return kind === "plain";
}
