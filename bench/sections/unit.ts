// What a unit of the bench is to whoever runs it. What it measures is in the files beside this one.

import type { Contender, ContenderId } from "../contenders/contender.ts";
import type { Unit } from "../raw.ts";

export type UnitResult = Pick<Unit, "measurements" | "figures" | "remarks">;

export interface UnitContext {
  /** Empty, and gone after the unit. */
  readonly folder: string;
  /** Small loads for a second or so each: whether it works. */
  readonly isSmoke: boolean;
  readonly log: (line: string) => void;
  /** Median of the knees of the rounds that have been measured, in requests a second. */
  readonly kneeOf: (contender: ContenderId) => number | undefined;
}

export interface PlannedUnit {
  /** `compare-1-spring`: also the name of its file. */
  readonly name: string;
  readonly section: "compare" | "founding" | "scale";
  /** Whom it measures: to be prepared before. */
  readonly contender: Contender;
  /** A guess, for whoever waits. */
  readonly seconds: number;
  /** Rejects when it could not be measured; what was bad about the contender is in the result. */
  run(context: UnitContext): Promise<UnitResult>;
}
