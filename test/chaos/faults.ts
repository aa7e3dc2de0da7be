// Does to the loop what the schedule says, one fault after another, and writes down when. What comes when is
// schedule.ts.

import { setTimeout as sleep } from "node:timers/promises";
import type { FaultLine } from "./journal.ts";
import type { Journal } from "./journal-file.ts";
import type { PlannedFault } from "./schedule.ts";
import type { Victim, World } from "./world.ts";

/** Until `until` fires; then everything is there again. Rejects when something does not come back. */
export async function injectFaults(
  { victims }: Pick<World, "victims">,
  schedule: Iterable<PlannedFault>,
  until: AbortSignal,
  journal: Journal<FaultLine>,
  onFault: (line: FaultLine) => void,
): Promise<void> {
  for (const { target, fault, responders, outageMs, breakMs } of schedule) {
    await pause(breakMs, until);
    if (until.aborted) return;
    const all = victims[target];
    const hit = target === "responder" ? all.filter((_, at) => responders.includes(at)) : all;
    const at = Date.now();
    await Promise.all(hit.map((victim) => (fault === "kill" ? killed : frozen)(victim, outageMs, until)));
    const line = { target, fault, at, backAt: Date.now() };
    journal.write(line);
    onFault(line);
  }
}

async function killed(victim: Victim, outageMs: number, until: AbortSignal): Promise<void> {
  await victim.kill();
  if (!victim.restartsItself) await pause(outageMs, until);
  await victim.start();
}

async function frozen(victim: Victim, outageMs: number, until: AbortSignal): Promise<void> {
  victim.freeze();
  await pause(outageMs, until);
  victim.resume();
}

async function pause(ms: number, until: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: until }).catch(() => undefined);
}
