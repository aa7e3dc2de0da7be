// What a command has started, undone when it ends: by itself, by a mistake, or by a signal.

export interface Cleanups {
  /** Undone before what was given earlier. */
  readonly later: (cleanup: () => unknown) => void;
  /** Undoes everything, whatever fails on the way, and ends the process. Further calls wait for the first one's end. */
  readonly end: (code: number) => Promise<void>;
  /** Whether `end` was called, or a signal came. */
  readonly isEnding: boolean;
}

/** From now on the first SIGINT, SIGTERM or SIGHUP ends in order (exit code 130), and the second one at once. */
export function cleanUpOnExit(): Cleanups {
  const cleanups: (() => unknown)[] = [];
  let ending: Promise<void> | undefined;
  const undo = async (code: number): Promise<void> => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) {
      await Promise.resolve()
        .then(cleanup)
        .catch(() => undefined);
    }
    process.exit(code);
  };
  const end = (code: number): Promise<void> => (ending ??= undo(code));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Child processes go with this one.
      if (ending !== undefined) process.exit(130);
      void end(130);
    });
  }
  return {
    later: (cleanup) => void cleanups.push(cleanup),
    end,
    get isEnding() {
      return ending !== undefined;
    },
  };
}
