// How many bytes of replies one isolate may keep for callers who have not got them. An isolate has 128 MB and is shared by many
// objects of the class, so the bound belongs to the isolate and not to an object.

interface Entry {
  readonly bytes: number;
  readonly until: number;
}

export class HeldBudget {
  readonly #limit: number;
  readonly #entries = new Map<object, Entry>();
  #used = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  hasRoomFor(bytes: number, now: number): boolean {
    this.#forgetExpired(now);
    return this.#used + bytes <= this.#limit;
  }

  /**
   * Books `bytes` for `holder` until that instant (epoch ms), instead of what it had; 0 bytes give its room
   * back. The instant matters when the holder is reset: then nobody is left to give the room back.
   */
  book(holder: object, bytes: number, until: number): void {
    this.#used += bytes - (this.#entries.get(holder)?.bytes ?? 0);
    this.#entries.delete(holder);
    if (bytes > 0) this.#entries.set(holder, { bytes, until });
  }

  // Oldest first: an entry that is kept longer than those behind it delays only their cleaning.
  #forgetExpired(now: number): void {
    for (const [holder, entry] of this.#entries) {
      if (entry.until > now) return;
      this.book(holder, 0, now);
    }
  }
}
