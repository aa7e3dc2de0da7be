// Waiting for the next of several events, by callbacks that whoever makes the event calls.

/** Adds a callback to `events` that resolves the promise and takes itself out; so does an abort. */
export function nextOf(events: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      events.delete(end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    events.add(end);
  });
}
