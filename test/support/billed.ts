// What a waiter did that is billed, in the units of the cost model.

import type { Counts } from "../../dev/cost/counts.ts";
import type { Meter } from "../fixtures/loop/meter-reading.ts";

/** Events of a socket are no requests: only what a caller sends on one would be. */
const unbilled = new Set(["webSocketClose", "webSocketError"]);

export type BilledOfObject = Omit<Counts, "workerRequests">;

export function billedOf({ calls, rows, rowsRead }: Meter): BilledOfObject {
  const requests = Object.entries(calls).filter(([name]) => !unbilled.has(name));
  return {
    objectRequests: requests.reduce((sum, [, count]) => sum + count, 0),
    rowsWritten: Object.values(rows).reduce((sum, count) => sum + count, 0),
    rowsRead,
  };
}

export function billedInAll(...all: readonly BilledOfObject[]): BilledOfObject {
  const sum = (what: keyof BilledOfObject) => all.reduce((total, each) => total + each[what], 0);
  return {
    objectRequests: sum("objectRequests"),
    rowsWritten: sum("rowsWritten"),
    rowsRead: sum("rowsRead"),
  };
}
