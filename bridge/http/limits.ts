// Every bound on what callers can make the bridge hold, with its default. How each is kept is in server.ts,
// body.ts and byte-budget.ts.

import type { RouteLimits } from "./call.ts";

export interface BridgeLimits extends RouteLimits {
  readonly maxBodyBytes: number;
  /** Bodies and answers of all requests together, from their first byte until they are done with. */
  readonly maxBytesInHand: number;
  /** Further ones are closed as they come. */
  readonly maxConnections: number;
  /** Long polls at once, in the whole bridge. */
  readonly maxWaiting: number;
  /** Request line and headers of one request. */
  readonly maxHeaderBytes: number;
  /** From the connection or the end of the request before, to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** For a whole request, body included. */
  readonly requestTimeoutMs: number;
  /** How long a client may take nothing of its answer. */
  readonly stuckReaderMs: number;
  /** How often the two timeouts of requests are looked at. */
  readonly checkIntervalMs: number;
}

const mib = 1024 * 1024;

export const defaultLimits: BridgeLimits = {
  maxFetchMs: 30_000,
  maxFetchBytes: 4 * mib,
  maxProduceRecords: 10_000,
  maxBodyBytes: 16 * mib,
  maxBytesInHand: 256 * mib,
  maxConnections: 10_000,
  maxWaiting: 5_000,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  stuckReaderMs: 60_000,
  checkIntervalMs: 5_000,
};
