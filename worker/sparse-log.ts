// Lines for the log that clients or services could cause any number of: one a minute at most, of bounded length. Numbers
// only, so that it may outlive a request.

const everyMs = 60_000;
const maxTextLength = 300;

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

/** In quotes, on one line and cut: for what somebody else has written. */
export function quoted(text: string): string {
  const cut = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
  // JSON leaves these two line ends, and the C1 controls, as they are.
  return JSON.stringify(cut).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
