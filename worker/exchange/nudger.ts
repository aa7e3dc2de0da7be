// Remembers how long the drain has promised to stay awake, and until when it has stored that replies are needed,
// so that most requests need not ask. One per isolate; a promise once given is stored by the drain, so
// forgetting or sharing it is harmless.

import type { DrainAssignment, ReplyDrainRpc } from "../../consumer/library.ts";
import { logCause } from "../../protocol/index.ts";

/** A wait that outlasts its first hold asks again whatever was promised, but the isolate not more often than this. */
const askAgainAfterMs = 1_000;

/**
 * How much longer than needed is asked for. Every exchange is needed a little longer than the one before; this
 * spares the nudges and stored rows of the next minute. More than what the drain adds to its time awake, so
 * that plain requests ask no more often for it.
 */
const neededSlackMs = 60_000;

/** What one request wants of the drain. Instants are epoch ms. */
export interface Nudge {
  /** Until when a caller waits on the line. */
  readonly awakeUntil: number;
  /** Until when its reply is of use; hours later where nobody waits on the line. */
  readonly neededUntil: number;
  /** The reply is not there yet, so perhaps the drain was reset and its alarm is late; a nudge starts it at once. */
  readonly waitsLong: boolean;
  readonly now: number;
}

export class Nudger {
  readonly #assignment: DrainAssignment;
  #awakeUntil = 0;
  #neededUntil = 0;
  #askedAt = 0;

  constructor(assignment: DrainAssignment) {
    this.#assignment = assignment;
  }

  /** Tells the drain what it does not know yet. A nudge that fails is not remembered: the next hold tries again. */
  async nudge(
    drain: () => Pick<ReplyDrainRpc, "nudge">,
    { awakeUntil, neededUntil, waitsLong, now }: Nudge,
  ): Promise<void> {
    const isStored = this.#neededUntil >= neededUntil;
    const covered = isStored && this.#awakeUntil >= awakeUntil;
    if (covered && !(waitsLong && now - this.#askedAt >= askAgainAfterMs)) return;
    this.#askedAt = now;
    // What is stored already is said again as it was: another instant would be another row.
    const asked = isStored ? this.#neededUntil : neededUntil + neededSlackMs;
    try {
      const promised = await drain().nudge(this.#assignment, awakeUntil, asked);
      this.#awakeUntil = Math.max(this.#awakeUntil, promised);
      this.#neededUntil = Math.max(this.#neededUntil, asked);
    } catch (cause) {
      console.warn(`hearback: the drain could not be nudged: ${logCause(cause)}`);
    }
  }
}
