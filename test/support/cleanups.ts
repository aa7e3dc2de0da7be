// What a test started is undone after it, last first, whether it passed or not.

import { afterEach } from "vitest";

/** To be called once per file; the function it returns takes what to do after the test that is running. */
export function useCleanups(): (cleanup: () => unknown) => void {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });
  return (cleanup) => {
    cleanups.push(cleanup);
  };
}
