// How far one partition is done: which records are under way or finished beyond the committed offset, and up to
// where all are. Decisions only; who commits, and when, is elsewhere.

/**
 * Records are taken in offset order, but finish in any. Reading may start over at the committed offset, after a
 * rebalance or a lost answer; what was taken before is then told from what is new.
 */
export class Progress {
  /** Timestamps of what was taken at or beyond `#committed`, by offset. */
  readonly #taken = new Map<number, number>();
  readonly #open = new Set<number>();
  #next = 0;
  #committed = 0;

  /**
   * False when this very record was taken already. A record with another timestamp at the same offset, or one
   * before what is committed, belongs to another log: the topic was deleted and created again.
   */
  take(offset: number, timestamp: number): boolean {
    const known = this.#taken.get(offset);
    if (known === timestamp) return false;
    if (known !== undefined || offset < this.#committed) this.#startOver();
    this.#taken.set(offset, timestamp);
    this.#open.add(offset);
    this.#next = Math.max(this.#next, offset + 1);
    return true;
  }

  /** Called once for each record taken. One of a log that is gone changes nothing. */
  finish(offset: number, timestamp: number): void {
    if (this.#taken.get(offset) === timestamp) this.#open.delete(offset);
  }

  /** The offset to commit: the first that is not finished. Undefined when that is committed. */
  uncommitted(): number | undefined {
    // Offsets are taken in ascending order, so the first in the set is the lowest but after a read that began anew.
    let lowest = this.#next;
    for (const offset of this.#open) if (offset < lowest) lowest = offset;
    return lowest > this.#committed ? lowest : undefined;
  }

  /** `offset` as `uncommitted` said it. */
  commit(offset: number): void {
    if (offset < this.#committed || offset > this.#next) return;
    for (const each of this.#taken.keys()) if (each < offset) this.#taken.delete(each);
    this.#committed = offset;
  }

  /** Records under way. */
  get open(): number {
    return this.#open.size;
  }

  #startOver(): void {
    this.#taken.clear();
    this.#open.clear();
    this.#next = 0;
    this.#committed = 0;
  }
}
