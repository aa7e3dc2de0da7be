// How far one partition is done: which records are under way or finished beyond the committed offset, and up to
// where all are. Decisions only; who commits, and when, is elsewhere.

interface Known {
  readonly timestamp: number;
  isDone: boolean;
}

/**
 * Records are taken in offset order, but finish in any. A tenure is the time from one assignment of the partition
 * to the next: each begins to read at the committed offset again, and what was taken before is told from what is
 * new. Only what was taken in this tenure is committed, since somebody else may have gone on meanwhile.
 */
export class Progress {
  /** By offset; what was taken and not committed, in this tenure or before. */
  readonly #known = new Map<number, Known>();
  /** Offsets taken in this tenure that are not finished. */
  readonly #open = new Set<number>();
  /** Lowest and highest offset taken in this tenure, and what of it is committed. */
  #first: number | undefined;
  #next = 0;
  #committed = 0;

  /** False when this very record was taken before: it is under way, or done, and must not be handled again. */
  take(offset: number, timestamp: number): boolean {
    // Within a tenure offsets ascend. A lower one is of another log: the topic was deleted and created again.
    if (this.#first !== undefined && offset < this.#next) this.#forget();
    this.#first ??= offset;
    this.#next = offset + 1;
    const before = this.#known.get(offset);
    const isKnown = before?.timestamp === timestamp;
    if (!isKnown) this.#known.set(offset, { timestamp, isDone: false });
    if (!(isKnown && before.isDone)) this.#open.add(offset);
    return !isKnown;
  }

  /** Called once for each record that was to be handled. One of a log that is gone changes nothing. */
  finish(offset: number, timestamp: number): void {
    const known = this.#known.get(offset);
    if (known?.timestamp !== timestamp) return;
    known.isDone = true;
    this.#open.delete(offset);
  }

  /** The offset that everything before is finished; undefined when nothing was taken in this tenure. */
  position(): number | undefined {
    if (this.#first === undefined) return undefined;
    let lowest = this.#next;
    for (const offset of this.#open) if (offset < lowest) lowest = offset;
    return lowest;
  }

  /** The position, when it is not committed yet. */
  uncommitted(): number | undefined {
    const position = this.position();
    return position !== undefined && position > this.#committed ? position : undefined;
  }

  /** `offset` was committed in this tenure. */
  commit(offset: number): void {
    this.#committed = Math.max(this.#committed, offset);
    for (const each of this.#known.keys()) if (each < offset) this.#known.delete(each);
  }

  /** Another tenure begins. What was not even taken again in this one is not coming back. */
  reassign(): void {
    const first = this.#first ?? Infinity;
    for (const [offset, { isDone }] of this.#known) if (isDone && offset < first) this.#known.delete(offset);
    this.#open.clear();
    this.#first = undefined;
    this.#next = 0;
    this.#committed = 0;
  }

  /** Records that were taken and are not committed. */
  get ahead(): number {
    return this.#known.size;
  }

  #forget(): void {
    this.#known.clear();
    this.reassign();
  }
}
