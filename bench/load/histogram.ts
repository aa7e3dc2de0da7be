// Times as HdrHistograms in µs, and the one form in which they are stored.

import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from "hdr-histogram-js";

export type { Histogram };

/** Three digits, from 1 µs to 2 minutes: longer than anybody waits. */
export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
}

/** Times of less than 1 µs count as 1 µs. */
export function recordMs(histogram: Histogram, ms: number): void {
  histogram.recordValue(Math.max(1, Math.round(ms * 1_000)));
}

export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** Throws for what is not an encoded histogram. */
export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false);
}

/** All of them as one. */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const merged = newHistogram();
  for (const histogram of histograms) merged.add(histogram);
  return merged;
}

/** In ms; NaN where nothing was recorded. `percent` from 0 to 100. */
export function percentileMs(histogram: Histogram, percent: number): number {
  return histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(percent) / 1_000;
}
