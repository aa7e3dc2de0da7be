// What the model takes from measurement, and no list or code can tell: time in handlers, CPU, bytes stored. Written by
// test/long/cost.test.ts together with docs/proof/cost.md, which says how.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Measured } from "./model.ts";

export const measuredFile = fileURLToPath(new URL("../../docs/proof/cost.json", import.meta.url));

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(measuredFile, "utf8")) as Measured;
}
