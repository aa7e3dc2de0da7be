// What one exchange takes of the platform, in whole numbers, by its kind and by how its wait ended. One table, held against
// the real runtime by test/loop/cost.test.ts (waits of a moment) and test/long/cost.test.ts (objects that hibernate).

/**
 * `durable`: with a key, waited for. `async`: not waited for, and fetched once by its `Location` when it is there.
 */
export const kinds = ["plain", "durable", "async"] as const;
export type Kind = (typeof kinds)[number];

/**
 * How a wait got its answer: in the hold; on a socket, the object still in memory; on a socket, by an object that had to be
 * built anew, since it hibernates after 10 s. Nobody waits for an `async` one, which is as if held.
 */
export const fates = ["held", "parked", "hibernated"] as const;
export type Fate = (typeof fates)[number];

export interface Counts {
  readonly workerRequests: number;
  /** RPC calls, upgrades to a socket, and runs of the alarm: each is a billed request. */
  readonly objectRequests: number;
  /** Keys put, alarms set, and all deleted at once, which is counted as one row. */
  readonly rowsWritten: number;
  readonly rowsRead: number;
}

/** Up to its answer, with the alarm that an object which hibernated has set too early. */
export const counts: Readonly<Record<Kind, Readonly<Record<Fate, Counts>>>> = {
  plain: {
    // wait, deliver.
    held: { workerRequests: 1, objectRequests: 2, rowsWritten: 0, rowsRead: 0 },
    // Upgrade, deliver; the alarm of the deadline, and all deleted.
    parked: { workerRequests: 1, objectRequests: 2, rowsWritten: 2, rowsRead: 1 },
    hibernated: { workerRequests: 1, objectRequests: 2, rowsWritten: 2, rowsRead: 2 },
  },
  durable: {
    // open, attach, confirm, deliver; three times the row, and the alarm of retention.
    held: { workerRequests: 1, objectRequests: 4, rowsWritten: 4, rowsRead: 1 },
    // Upgrade in place of attach; besides, the alarm to the deadline and back.
    parked: { workerRequests: 1, objectRequests: 4, rowsWritten: 6, rowsRead: 1 },
    // The alarm stays at the deadline, rings there, and is set to retention.
    hibernated: { workerRequests: 1, objectRequests: 5, rowsWritten: 6, rowsRead: 2 },
  },
  // open, confirm, deliver; the request that fetches it, and its look.
  async: {
    held: { workerRequests: 2, objectRequests: 4, rowsWritten: 4, rowsRead: 2 },
    parked: { workerRequests: 2, objectRequests: 4, rowsWritten: 4, rowsRead: 2 },
    hibernated: { workerRequests: 2, objectRequests: 4, rowsWritten: 4, rowsRead: 3 },
  },
};

/** A hold that ended without the reply, before the wait was parked. */
export const holdInVain: Counts = { workerRequests: 0, objectRequests: 1, rowsWritten: 0, rowsRead: 0 };

/** At the end of retention, of an exchange that is stored: the alarm runs, finds the row, and deletes all. */
export const retention: Counts = { workerRequests: 0, objectRequests: 1, rowsWritten: 1, rowsRead: 1 };

/** An object without anything under way leaves memory after so long. */
export const hibernatesAfterSeconds = 10;
