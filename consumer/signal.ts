// A wake-up call: those who wait are woken by the next `fire`. Nothing is remembered for those who come later.

export class Signal {
  #waiting = new Set<() => void>();

  fire(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }

  /** What `call` resolves to, or undefined when a `fire` comes first. Rejects as `call` does. */
  nextUnless<T>(call: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const wake = (): void => resolve(undefined);
      this.#waiting.add(wake);
      void call.then(resolve, reject).finally(() => this.#waiting.delete(wake));
    });
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
