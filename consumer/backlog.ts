// What was read and has no verdict yet, in replies and bytes, and when that is too much for another poll. Counting only.
// Replies whose waiter is pursued are counted apart, so that a few waiters out of reach hold up nobody else.

/**
 * No further poll while more than this is undelivered: one more answer of at most 4 MiB then makes 8 MiB.
 * Counted in replies and bytes rather than batches, so that one slow waiter holds up nobody else.
 */
const undeliveredBytesForPoll = 4 * 1024 * 1024;
const undeliveredForPoll = 5_000;
/**
 * As much may be pursued beside that. What is beyond it stays undelivered: when that many waiters are out of reach, it
 * is not they that are lost, and the drain had better stop where it is.
 */
const maxPursuedBytes = 8 * 1024 * 1024;
const maxPursued = 1_000;

interface Load {
  replies: number;
  bytes: number;
}

export interface BacklogEntry {
  /** Its waiter was not reached and is tried again. False: counted as pursued already, or there is no room for it. */
  readonly pursue: () => boolean;
  /** To be called once. */
  readonly settle: () => void;
}

export class Backlog {
  readonly #undelivered: Load = { replies: 0, bytes: 0 };
  readonly #pursued: Load = { replies: 0, bytes: 0 };

  enter(bytes: number): BacklogEntry {
    let counted = this.#undelivered;
    add(counted, 1, bytes);
    return {
      pursue: () => {
        const pursued = this.#pursued;
        if (counted === pursued) return false;
        if (pursued.replies >= maxPursued || pursued.bytes + bytes > maxPursuedBytes) return false;
        add(counted, -1, -bytes);
        counted = pursued;
        add(counted, 1, bytes);
        return true;
      },
      settle: () => add(counted, -1, -bytes),
    };
  }

  /** Replies without a verdict, pursued or not. */
  get size(): number {
    return this.#undelivered.replies + this.#pursued.replies;
  }

  /** Whether the next poll must wait. */
  get isFull(): boolean {
    const { replies, bytes } = this.#undelivered;
    return bytes > undeliveredBytesForPoll || replies > undeliveredForPoll;
  }
}

function add(load: Load, replies: number, bytes: number): void {
  load.replies += replies;
  load.bytes += bytes;
}
