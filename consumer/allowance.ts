// How much of something may be done in a minute. Counting only.

const windowMs = 60_000;

export class Allowance {
  readonly #perMinute: number;
  #startedAt = -Infinity;
  #taken = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** False: this minute's are used up; the minute begins with the first that is taken. `now` in epoch ms. */
  take(now: number): boolean {
    if (now - this.#startedAt >= windowMs) {
      this.#startedAt = now;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perMinute) return false;
    this.#taken++;
    return true;
  }
}
