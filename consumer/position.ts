// Where a partition is read from, and how that place stays true: pure rules about log identity and
// offsets. Who asks Kafka and who stores the answer is not its business.

import type { LogPosition } from "../kafka/index.ts";

/**
 * A place in one log; offsets of another log, even of the same topic name, mean nothing here. An empty `log`
 * is one whose identity is not known (yet): then only the offsets can tell.
 */
export interface Position {
  readonly log: string;
  readonly offset: number;
}

/** Reading starts this long before the longest timeout, for clocks that differ and records that waited. */
export const windowSlackMs = 60_000;

/** Replies to requests that may still wait are not older than this (epoch ms). */
export function windowStart(now: number, longestTimeoutMs: number): number {
  return now - longestTimeoutMs - windowSlackMs;
}

/**
 * The first place to read from. `latest` must have been asked before `atWindow`: of the two the earlier
 * one counts, so that nothing written between the two questions is skipped.
 */
export function startPosition(latest: LogPosition, atWindow: LogPosition): Position {
  return { log: atWindow.log, offset: Math.min(latest.offset, atWindow.offset) };
}

/** `gone`: the log was created anew or cut away under us, and must be read by time window. */
export function checkPosition(
  position: Position,
  earliest: LogPosition,
  latest: LogPosition,
): "valid" | "gone" {
  if (position.log !== "" && latest.log !== position.log) return "gone";
  return position.offset >= earliest.offset && position.offset <= latest.offset ? "valid" : "gone";
}

/**
 * The offsets of one partition that were read and have no verdict yet. The position moves only past
 * offsets before which everything is settled, whatever order the verdicts come in.
 */
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
