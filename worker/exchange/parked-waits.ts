// How many waits of an isolate are parked, and so how often each of them sees to it that the drain reads: together
// often, each of many seldom, or ten thousand that wait would cost as much as if they did something.

/** Nobody looks more often than this. */
const leastMs = 1_500;
/** So often somebody of them looks, on average: within 5 s one in 20,000 times nobody has. */
const togetherMs = 500;

export class ParkedWaits {
  #count = 0;

  /** One more is parked, until the returned function is called, once. */
  enter(): () => void {
    this.#count++;
    return () => {
      this.#count--;
    };
  }

  /** Ms until one of them looks again; `random` from 0 up to 1. */
  lookAfterMs(random: number): number {
    return lookAfterMs(this.#count, random);
  }
}

/**
 * Alone, every 1.5 s. With others beside it exponential times, so that it does not matter when each was parked: those of a
 * burst do not look all at once, and then for long none does.
 */
export function lookAfterMs(parked: number, random: number): number {
  return Math.max(leastMs, -Math.log(1 - random) * togetherMs * Math.max(0, parked - 1));
}
