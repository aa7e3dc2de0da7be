// Bytes that requests hold, against one bound for the whole bridge. When a request takes and gives them back is
// the server's business.

/** What one request holds. */
export interface ByteHold {
  /** False when there is no room: then nothing was taken. */
  take(bytes: number): boolean;
  /** Room or not: for what exists already and must not be lost. */
  takeAnyway(bytes: number): void;
  /** Gives everything back. A second call does nothing. */
  release(): void;
}

export interface ByteBudget {
  readonly used: number;
  hold(): ByteHold;
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let used = 0;
  return {
    get used() {
      return used;
    },
    hold() {
      let held = 0;
      const takeAnyway = (bytes: number): void => {
        held += bytes;
        used += bytes;
      };
      return {
        take(bytes) {
          if (used + bytes > maxBytes) return false;
          takeAnyway(bytes);
          return true;
        },
        takeAnyway,
        release() {
          used -= held;
          held = 0;
        },
      };
    },
  };
}
