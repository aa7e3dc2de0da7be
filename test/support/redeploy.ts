// A deploy in the middle: so many callers wait at once, the code of the gateway is replaced over its storage while
// the service answers, and each caller is seen to its end. In two forms: as the platform does it, and as a restart of
// the whole runtime, which is worse than what the platform does.

import { expect } from "vitest";
import type { CorrelationIdForm } from "../../protocol/index.ts";
import {
  deployedOptions,
  settledLedger,
  startClusterBehind,
  startWaiting,
  type ClusterBehind,
  type SettledLedger,
  type Waiting,
} from "./deployed-loop.ts";
import { makeRegistry, startDeployment, type Code, type Deployment } from "./deployment.ts";
import { atRate } from "./pace.ts";
import type { Ended } from "./waiting-callers.ts";

/**
 * `the objects and the Worker`: requests in flight stay with the Worker they came to, new ones go to one of the new
 * code, and the objects are reset to it. `the whole runtime`: all of it ends, connections too, and comes back.
 */
export const redeployForms = ["the objects and the Worker", "the whole runtime"] as const;
export type RedeployForm = (typeof redeployForms)[number];

export interface Deploy {
  readonly from: Code;
  readonly to: Code;
  readonly correlationIds?: CorrelationIdForm;
  /** Without it, one is started. */
  readonly behind?: ClusterBehind;
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
  readonly ledger: SettledLedger;
}

/** Half of the replies come when the deploy does, so that it cuts their way, the others after it. Undone by `later`. */
export async function redeployUnderWaits(
  form: RedeployForm,
  { from, to, correlationIds, behind }: Deploy,
  waiting: Waiting,
  later: (cleanup: () => unknown) => void,
): Promise<Redeployed> {
  const { bridgeUrl, echo } = behind ?? (await startClusterBehind(later));
  const shared = { bridgeUrl, options: deployedOptions(correlationIds), registry: await makeRegistry(later) };
  const theirs = { waitersOf: "objects", drainOf: "objects" };
  const isApart = form === "the objects and the Worker";

  const objects = await startDeployment({ ...shared, name: "objects", code: from }, later);
  const before = isApart
    ? await startDeployment({ ...shared, name: "gateway", code: from, ...theirs }, later)
    : objects;
  let front = before;
  const { callers, held } = await startWaiting(waiting, () => front.url, objects, echo);

  // New requests meet the new code first, and objects of the old.
  if (isApart) {
    front = await startDeployment({ ...shared, name: "next-gateway", code: to, ...theirs }, later);
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
    ledger: await settledLedger(front, echo.received),
  };
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
