// A log and its consumer groups together. Kafka is one (../native), the log of the bridge's own another.

import type { Groups } from "./groups.ts";
import type { Log } from "./log.ts";

export interface Backend<L extends Log = Log> {
  readonly log: L;
  readonly groups: Groups;
  /** Lets members leave, then closes the log. A second call waits for the same end. */
  close(): Promise<void>;
}

export function backendOf<L extends Log>(log: L, groups: Groups): Backend<L> {
  let closing: Promise<void> | undefined;
  return {
    log,
    groups,
    close() {
      closing ??= closeBoth(log, groups);
      return closing;
    },
  };
}

async function closeBoth(log: Log, groups: Groups): Promise<void> {
  try {
    await groups.close();
  } finally {
    await log.close();
  }
}
