// Keeps the signals of a process for whoever owns it, where Miniflare would take them.

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Miniflare would end the process at the first signal, with nothing put in order; that is for the owner of the
 * process to do. What it does when the process exits, ending workerd, stays. To be called before it is made, and what is returned at once after.
 */
export function keepSignals(): () => void {
  const before = new Map(signals.map((signal) => [signal, new Set(process.listeners(signal))]));
  return () => {
    for (const [signal, ours] of before) {
      for (const listener of process.listeners(signal)) {
        if (!ours.has(listener)) process.off(signal, listener);
      }
    }
  };
}
