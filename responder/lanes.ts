// How much is handled at once, and in which order: a limit on the handlers that run, and, if wanted, one after
// another for records of the same key. It knows nothing of what they do.

export type Order = "none" | "key";

export interface Lanes {
  /** Resolves when one more may be taken up, or all were stopped from waiting by `release`. */
  room(): Promise<void>;
  /** Begins `work` now, or behind the earlier work of its key; after `room`. Work must not reject. */
  start(key: string | undefined, work: () => Promise<void>): void;
  /** Lets everyone who waits in `room` go on, now and later. */
  release(): void;
  /** Resolves when nothing is running or queued. */
  idle(): Promise<void>;
  readonly running: number;
  /** Waiting for earlier work of their key. */
  readonly queued: number;
}

/** Records of a busy key wait in memory; this many per handler, and then reading pauses for all. */
const queuedPerHandler = 4;

export function createLanes(concurrency: number, order: Order): Lanes {
  const lastOfKey = new Map<string, Promise<void>>();
  let running = 0;
  let queued = 0;
  let released = false;
  let waiting: (() => void)[] = [];

  const hasRoom = (): boolean =>
    released || (running < concurrency && running + queued < concurrency * queuedPerHandler);
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  const change = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));

  async function run(work: () => Promise<void>): Promise<void> {
    running++;
    try {
      await work();
    } finally {
      running--;
      wake();
    }
  }

  async function runBehind(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    queued++;
    await before;
    // Several keys may become free at the same moment.
    while (running >= concurrency) await change();
    queued--;
    await run(work);
  }

  return {
    async room() {
      while (!hasRoom()) await change();
    },

    start(key, work) {
      const before = key === undefined ? undefined : lastOfKey.get(key);
      const own = before === undefined ? run(work) : runBehind(before, work);
      if (order === "none" || key === undefined) {
        void own;
        return;
      }
      lastOfKey.set(key, own);
      void own.then(() => {
        if (lastOfKey.get(key) === own) lastOfKey.delete(key);
      });
    },

    release() {
      released = true;
      wake();
    },

    async idle() {
      while (running + queued > 0) await change();
    },

    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
  };
}
