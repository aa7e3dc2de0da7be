// The end-to-end row of the founding document's benchmark: what was measured there, and what it was measured with.

export const foundingTable = {
  perSecond: 1_000,
  minutes: 5,
  p50Ms: 65,
  p95Ms: 145,
  p99Ms: 210,
  errorShare: 0.001,
} as const;
