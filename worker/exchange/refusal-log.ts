// How often the log is told that records are refused: of a topic whose records all are, not once for each of them.

/** At most one line per topic in this time. */
const quietMs = 10_000;

export class RefusalLog {
  readonly #topics = new Map<string, { readonly toldAt: number; untold: number }>();

  /** The line to write, if it is time for one. `now` in epoch ms. */
  lineFor(topic: string, reason: string, now: number): string | undefined {
    const known = this.#topics.get(topic);
    if (known !== undefined && now - known.toldAt < quietMs) {
      known.untold++;
      return undefined;
    }
    this.#topics.set(topic, { toldAt: now, untold: 0 });
    const more = known?.untold ?? 0;
    const before = more === 0 ? "" : ` (and ${more} before it)`;
    return `hearback: a record for ${topic} was refused: ${reason}${before}`;
  }
}
