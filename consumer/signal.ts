// A wake-up call: those who wait are woken by the next `fire`. Nothing is remembered for those who come later.

export class Signal {
  #waiting = new Set<() => void>();

  fire(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** The next `fire`, or `ms` later if none comes. */
  nextWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }
}
