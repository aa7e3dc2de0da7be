// Where a partition is read from, and how that place stays true: pure rules about log identity and
// offsets. Who asks Kafka and who stores the answer is not its business.

import type { LogPosition } from "./port.ts";

/**
 * A place in one log; offsets of another log, even of the same topic name, mean nothing here. An empty `log`
 * is one whose identity is not known (yet): then only the offsets can tell.
 */
export interface Position {
  readonly log: string;
  readonly offset: number;
}

/**
 * The first place to read from. `latest` must have been asked before `atWindow`, the first offset of a time
 * window: of the two the earlier one counts, so that nothing written between the two questions is skipped.
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
