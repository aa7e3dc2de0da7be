// Remembers how long the drain has promised to stay awake, so that most requests need not ask. One per
// isolate; a promise once given is stored by the drain, so forgetting or sharing it is harmless.

import type { DrainAssignment, ReplyDrainRpc } from "../consumer/library.ts";

export class Nudger {
  readonly #assignment: DrainAssignment;
  #awakeUntil = 0;

  constructor(assignment: DrainAssignment) {
    this.#assignment = assignment;
  }

  /** A nudge that fails is not remembered: the next hold of the same request tries again. */
  async nudge(drain: () => Pick<ReplyDrainRpc, "nudge">, deadlineAt: number): Promise<void> {
    if (this.#awakeUntil >= deadlineAt) return;
    try {
      const awakeUntil = await drain().nudge(this.#assignment, deadlineAt);
      this.#awakeUntil = Math.max(this.#awakeUntil, awakeUntil);
    } catch (cause) {
      console.warn("hearback: the drain could not be nudged", cause);
    }
  }
}
