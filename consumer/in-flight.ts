// The offsets of one partition that were read and have no verdict yet. The position moves only past
// offsets before which everything is settled, whatever order the verdicts come in.

export class InFlight {
  // Insertion order is offset order: a partition is read in order.
  readonly #unsettled = new Set<number>();
  #nextOffset: number;

  /** `nextOffset`: the next one to be read. */
  constructor(nextOffset: number) {
    this.#nextOffset = nextOffset;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get size(): number {
    return this.#unsettled.size;
  }

  read(offset: number): void {
    this.#unsettled.add(offset);
    this.#nextOffset = offset + 1;
  }

  settle(offset: number): void {
    this.#unsettled.delete(offset);
  }

  /** The offset that reading would resume from if all memory were lost now. */
  get resumeOffset(): number {
    for (const oldest of this.#unsettled) return oldest;
    return this.#nextOffset;
  }
}
