// How much is handled at once, and in which order: a limit on the handlers that run, and, if wanted, one after
// another for records of the same key. It knows nothing of what they do.

export type Order = "none" | "key";

export interface Lanes {
  /** Resolves when there is room for one more, or after `release`. */
  free(): Promise<void>;
  /** As `free`, and keeps the room for the next `start`. */
  reserve(): Promise<void>;
  /** Gives up what `reserve` kept. */
  giveBack(): void;
  /** Begins `work` now, or behind the earlier work of its key; after `reserve`. Work must not reject. */
  start(key: string | undefined, work: () => Promise<void>): void;
  /** Lets everyone who waits for room go on, now and later. */
  release(): void;
  /** Resolves when nothing is running or queued. */
  idle(): Promise<void>;
  readonly running: number;
  /** Waiting for earlier work of their key. */
  readonly queued: number;
}

/** Records of a busy key wait in memory; this many per handler in all, and then reading pauses. */
const heldPerHandler = 4;

export function createLanes(concurrency: number, order: Order): Lanes {
  const lastOfKey = new Map<string, Promise<void>>();
  /** Taken by what runs, or reserved for the next start. */
  let slots = 0;
  let running = 0;
  let queued = 0;
  let released = false;
  let waiting: (() => void)[] = [];

  const hasSlot = (): boolean => slots < concurrency;
  const hasRoom = (): boolean => released || (hasSlot() && slots + queued < concurrency * heldPerHandler);
  const change = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const wake = (): void => {
    for (const each of waiting.splice(0)) each();
  };
  const freeSlot = (): void => {
    slots--;
    wake();
  };

  async function free(): Promise<void> {
    while (!hasRoom()) await change();
  }

  /** In a slot that is taken already. */
  async function run(work: () => Promise<void>): Promise<void> {
    running++;
    try {
      await work();
    } finally {
      running--;
      freeSlot();
    }
  }

  async function runBehind(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    queued++;
    freeSlot();
    await before;
    while (!hasSlot()) await change();
    slots++;
    queued--;
    await run(work);
  }

  return {
    free,

    async reserve() {
      await free();
      slots++;
    },

    giveBack: freeSlot,

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
