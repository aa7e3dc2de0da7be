// A load in a line, for whoever watches.

import type { Measurement } from "../raw.ts";
import { decodeHistogram, percentileMs } from "./histogram.ts";

export function describe({ fates, latency }: Measurement): string {
  const histogram = decodeHistogram(latency);
  const at = (percent: number): string => percentileMs(histogram, percent).toFixed(1);
  const ends = Object.entries(fates).map(([fate, times]) => `${times} ${fate}`);
  return `p50 ${at(50)} p99 ${at(99)} max ${at(100)} ms, ${ends.join(", ")}`;
}
