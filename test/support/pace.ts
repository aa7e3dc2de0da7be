// How much of a thing is done at once: at a steady rate, or by so many in turn.

/** Begins `count` of them at a steady rate, whether or not earlier ones have ended. */
export async function atRate<T>(
  count: number,
  perSecond: number,
  doOne: (at: number) => Promise<T>,
): Promise<T[]> {
  const begun: Promise<T>[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < count; at++) {
    const wait = startedAt + (at * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const one = doOne(at);
    // Told at the end, with all others.
    one.catch(() => undefined);
    begun.push(one);
  }
  return Promise.all(begun);
}

/** `count` of them by `callers` at once, each of whom begins the next one when its last one has ended. */
export async function byCallers<T>(
  count: number,
  callers: number,
  doOne: (at: number) => Promise<T>,
): Promise<T[]> {
  const done: T[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) done.push(await doOne(next++));
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return done;
}
