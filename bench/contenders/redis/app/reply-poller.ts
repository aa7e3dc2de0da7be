// Who waits for which key of the shared cache, and the polling. What is written there, and by whom, is main.ts's.

import { setTimeout as sleep } from "node:timers/promises";

export interface ReplyPollerOptions {
  /** What the cache has under each key, in their order. */
  readonly read: (keys: string[]) => Promise<readonly (Buffer | null)[]>;
  /** Between an answer of the cache and the next question. */
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** Resolves with what comes to stand under the key, or with nothing after the timeout. */
export type AwaitReply = (key: string) => Promise<Buffer | undefined>;

/** One question for all who wait: what polling costs does not grow with their number times the rate. */
export function createReplyPoller({ read, everyMs, timeoutMs }: ReplyPollerOptions): AwaitReply {
  const waiting = new Map<string, (data?: Buffer) => void>();
  let isPolling = false;

  const poll = async (): Promise<void> => {
    isPolling = true;
    while (waiting.size > 0) {
      const keys = [...waiting.keys()];
      try {
        const found = await read(keys);
        for (const [at, key] of keys.entries()) {
          const data = found[at];
          if (data !== null && data !== undefined) waiting.get(key)?.(data);
        }
      } catch (cause) {
        console.error(cause);
      }
      await sleep(everyMs);
    }
    isPolling = false;
  };

  return (key) =>
    new Promise((resolve) => {
      const end = (data?: Buffer): void => {
        clearTimeout(timer);
        waiting.delete(key);
        resolve(data);
      };
      const timer = setTimeout(end, timeoutMs);
      waiting.set(key, end);
      if (!isPolling) void poll();
    });
}
