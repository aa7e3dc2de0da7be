// Waiting that ends in time: the one clock of a request that may wait for several things in turn.

export interface Deadline {
  /** Milliseconds left, never below 0. */
  remainingMs(): number;
  /** True when `event` ended first; false at the deadline or on abort. Rejects as `event` does, if that comes first. */
  endsBefore(event: Promise<unknown>, signal: AbortSignal): Promise<boolean>;
  /** Ends at the deadline, or on abort. */
  passes(signal: AbortSignal): Promise<void>;
}

export function createDeadline(timeoutMs: number): Deadline {
  const at = performance.now() + timeoutMs;
  const remainingMs = (): number => Math.max(0, at - performance.now());

  function waitFor(event: Promise<unknown> | undefined, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
      };
      const giveUp = (): void => {
        stop();
        resolve(false);
      };
      const timer = setTimeout(giveUp, remainingMs());
      signal.addEventListener("abort", giveUp);
      event?.finally(stop).then(() => resolve(true), reject);
      if (signal.aborted) giveUp();
    });
  }

  return {
    remainingMs,
    endsBefore: waitFor,
    async passes(signal) {
      await waitFor(undefined, signal);
    },
  };
}

/** Ends with `event`, or after `timeoutMs`. Rejects as `event` does, if that comes first. */
export async function endWithin(timeoutMs: number, event: Promise<unknown>): Promise<void> {
  await createDeadline(timeoutMs).endsBefore(event, new AbortController().signal);
}
