// What a route is given and what it is. Which routes there are is routes.ts.

import type { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Consumers, Groups, Log } from "../../kafka/log/index.ts";
import type { Access } from "./access.ts";
import type { Answer } from "./answer.ts";
import type { WireForm } from "./wire-form.ts";

export interface RouteLimits {
  /** Longest wait of a fetch, whatever it asks for. */
  readonly maxFetchMs: number;
  /** Keys, values and headers in one fetch answer. */
  readonly maxFetchBytes: number;
  /** Records in one produce. */
  readonly maxProduceRecords: number;
}

export interface Call {
  readonly log: Log;
  readonly groups: Groups;
  readonly consumers: Consumers;
  readonly limits: RouteLimits;
  readonly access: Access;
  readonly form: WireForm;
  /** Decoded segments of the path, without the prefix. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Aborted when nobody waits for the answer any more, or the server wants to end. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly methods: readonly string[];
  /** The vendor's API knows no such path: it is there under our prefix alone. */
  readonly isOurs?: true;
  readonly answer: (call: Call) => Promise<Answer>;
}

/** Of a fetch and a consume that names no timeout. */
export const defaultFetchMs = 1_000;
