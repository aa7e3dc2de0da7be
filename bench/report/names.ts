// How sections name their units and measurements, as far as the report tells them apart.

import type { Measurement, Unit } from "../raw.ts";

export const fixedRate = "rate-100";
export const halfKnee = "half-knee";

type Named = Pick<Unit, "unit">;

/** `compare-<round>-<contender>` */
export const isCompared = ({ unit }: Named): boolean => unit.startsWith("compare-");
/** `founding-<rate>` */
export const isFounding = ({ unit }: Named): boolean => unit.startsWith("founding-");
export const isScale = ({ unit }: Named): boolean => unit.startsWith("scale-");
/** `ramp-<rate>`, and `ramp-<rate>-again` of one that failed. */
export const isRamp = ({ name }: Pick<Measurement, "name">): boolean => name.startsWith("ramp-");
