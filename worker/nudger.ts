// Remembers how long the drain has promised to stay awake, so that most requests need not ask. One per
// isolate; a promise once given is stored by the drain, so forgetting or sharing it is harmless.

import type { DrainAssignment, ReplyDrainRpc } from "../consumer/library.ts";

/** A wait that outlasts its first hold asks again whatever was promised, but the isolate not more often than this. */
const askAgainAfterMs = 1_000;

export class Nudger {
  readonly #assignment: DrainAssignment;
  #awakeUntil = 0;
  #askedAt = 0;

  constructor(assignment: DrainAssignment) {
    this.#assignment = assignment;
  }

  /**
   * Keeps the drain awake until `deadlineAt`. `waitsLong`: the reply is not there yet, so perhaps the drain was
   * reset and its alarm is late; a nudge starts it at once. One that fails is not remembered, and the next
   * hold of the same request tries again. Instants are epoch ms.
   */
  async nudge(
    drain: () => Pick<ReplyDrainRpc, "nudge">,
    deadlineAt: number,
    { waitsLong, now }: { readonly waitsLong: boolean; readonly now: number },
  ): Promise<void> {
    const covered = this.#awakeUntil >= deadlineAt;
    if (covered && !(waitsLong && now - this.#askedAt >= askAgainAfterMs)) return;
    this.#askedAt = now;
    try {
      const awakeUntil = await drain().nudge(this.#assignment, deadlineAt);
      this.#awakeUntil = Math.max(this.#awakeUntil, awakeUntil);
    } catch (cause) {
      console.warn("hearback: the drain could not be nudged", cause);
    }
  }
}
