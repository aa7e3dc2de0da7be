// Lines for the log that clients, services or a broker could cause any number of: one a minute at most. Numbers only, so
// that it may outlive a request. What others wrote goes through `logText` first.

const everyMs = 60_000;

export class SparseLog {
  #lastAt = -Infinity;
  #withheld = 0;

  /** `now` in epoch ms. The line for the log; undefined while the one before is younger than a minute. */
  line(text: string, now: number): string | undefined {
    if (now - this.#lastAt < everyMs) {
      this.#withheld++;
      return undefined;
    }
    const more = this.#withheld === 0 ? "" : ` (and ${this.#withheld} more since the last such line)`;
    this.#lastAt = now;
    this.#withheld = 0;
    return `hearback: ${text}${more}`;
  }
}
