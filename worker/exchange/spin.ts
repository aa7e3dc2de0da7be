// How long a wait is held before it is parked: the cheapest time for the latencies a service has shown lately
// (docs/adr/0007). Pure arithmetic on prices; holding and parking are in wait.ts.

/** USD per million held milliseconds: 128 MB at $12.50 per million GB-s (Cloudflare's list, November 2026). */
const holdPricePerMs = 1.6 / 1_000;
/** USD per million parks: the request, the alarm's row, the row of taking it down, 20 ms in the handlers. */
const parkPrice = 0.15 + 1 + 1 + 0.032;

/** From here on holding costs more than parking would have, however long the wait still is. */
export const longestSpinMs = Math.floor(parkPrice / holdPricePerMs);

/** Waits that are remembered: enough to tell a service's habit, few enough that a new habit is learnt soon. */
const remembered = 64;
/** With fewer there is no habit yet, and after so many more it is looked at again: each look costs some 4,000 steps. */
const fewest = 8;
/** What is chosen for latencies seen must also do for those that are a little longer. */
const margin = 1.25;
/** Whoever is held at all is held so long: it costs next to nothing, and one slow turn of the loop is no reason to park. */
const shortestSpinMs = 100;

/** What one service has shown in this isolate. */
export class Spin {
  readonly #latencies: number[] = [];
  #next = 0;
  #ms = longestSpinMs;

  /** How long to hold, in ms; 0: park at once. */
  get ms(): number {
    return this.#ms;
  }

  /** A reply came after `latencyMs`; for a wait that had none, the time it was waited for. */
  record(latencyMs: number): void {
    this.#latencies[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % remembered;
    if (this.#next % fewest === 0) this.#ms = cheapestSpin(this.#latencies);
  }
}

/** The time to hold for which these latencies would have cost least; at most `longestSpinMs`. */
export function cheapestSpin(latencies: readonly number[]): number {
  const candidates = [
    0,
    ...latencies
      .map((latency) => Math.max(shortestSpinMs, Math.ceil(latency * margin)))
      .filter((ms) => ms < longestSpinMs),
    // Last: of two that would have cost the same the shorter one wastes less on a wait that ends without a reply.
    longestSpinMs,
  ];
  const costs = candidates.map((ms) => ({ ms, cost: costOf(ms, latencies) }));
  return costs.reduce((best, other) => (other.cost < best.cost ? other : best)).ms;
}

function costOf(spinMs: number, latencies: readonly number[]): number {
  return latencies.reduce(
    (sum, latency) => sum + Math.min(latency, spinMs) * holdPricePerMs + (latency > spinMs ? parkPrice : 0),
    0,
  );
}
