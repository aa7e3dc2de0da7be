// What is left when a run is over: waits until nothing more can come of it, and looks.

import { setTimeout as sleep } from "node:timers/promises";
import { ledgerOf } from "../support/loop.ts";
import type { RestartableGateway } from "../support/restartable-gateway.ts";
import { alarmsOnDisk, leftOnDisk } from "../support/waiter-storage.ts";
import type { EndFile } from "./journal.ts";

const pollMs = 1_000;
/** From an alarm's being taken down to the rows' being gone. */
const removalMs = 5_000;

/**
 * Once no waiter has an alarm and no reply is in flight, or after `patienceMs`: then what is still there is a finding,
 * and not of this file.
 */
export async function readEnd(gateway: RestartableGateway, patienceMs: number): Promise<EndFile> {
  // What was late for everybody is read by a tick at the latest.
  await gateway.tick();
  await until(Date.now() + patienceMs, async () => {
    return alarmsOnDisk(gateway.waiters) === 0 && (await ledgerOf(gateway.url)).inFlight === 0;
  });
  let left = leftOnDisk(gateway.waiters);
  await until(Date.now() + removalMs, () => {
    left = leftOnDisk(gateway.waiters);
    return Promise.resolve(left.rows === 0);
  });
  const response = await fetch(`${gateway.url}/_hearback/ledger`);
  const { rows, alarms } = left;
  return { ledger: await response.json(), rows, alarms, errors: gateway.errors };
}

async function until(giveUpAt: number, isOver: () => Promise<boolean>): Promise<void> {
  while (Date.now() < giveUpAt && !(await isOver().catch(() => false))) await sleep(pollMs);
}
