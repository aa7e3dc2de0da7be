// What a client of a chaos run does after what became of its last request: pure. It follows docs/protocol.md as a client
// should: what was refused for a while, or broke off, is asked again if it has a key, and what was promised is asked for.

import type { CallLine, ResponseSeen, TryLine } from "./journal.ts";
import type { PlannedCall } from "./planned-call.ts";

export type Outcome = TryLine["outcome"];

export type Step =
  | { readonly do: "ask service"; readonly afterMs: number }
  | { readonly do: "ask location"; readonly location: string; readonly afterMs: number }
  | { readonly do: "end"; readonly ended: CallLine["ended"] };

export interface Situation {
  readonly call: Pick<PlannedCall, "kind" | "key">;
  readonly asked: "service" | "location";
  /** The last one that was given. */
  readonly location: string | undefined;
  readonly outcome: Outcome;
  /** As `Retry-After` said. */
  readonly retryAfterMs: number | undefined;
  /** Requests in a row that came to nothing. */
  readonly failures: number;
  /** From 0 to 1: clients that failed together do not come back together. */
  readonly jitter: number;
}

const firstBackOffMs = 250;
const longestBackOffMs = 4_000;
const pollMs = 500;

export function nextStep(situation: Situation): Step {
  const { outcome, asked, retryAfterMs, failures, jitter } = situation;
  const backOffMs = Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs) * (0.5 + jitter);
  const again = Math.max(retryAfterMs ?? 0, backOffMs);
  if (outcome.type === "broken") {
    return asked === "location" ? atLocation(situation, backOffMs) : atService(situation, backOffMs);
  }
  const { response } = outcome;
  if (response.status === 200) return { do: "end", ended: "answered" };
  if (response.status === 202) return atLocation(situation, (retryAfterMs ?? pollMs) * (0.5 + jitter));
  if (asked === "location") {
    // Of the request for it, or for a while: not what became of the exchange.
    if (isTransient(response) && response.code !== "produce_refused") return atLocation(situation, again);
    return atService(situation, again);
  }
  // Nobody knows whether it is handed over: with a key it is sent again, without one it is asked for.
  if (response.code === "produce_unknown" && situation.call.key === undefined) {
    return atLocation(situation, again);
  }
  return isTransient(response) || response.status === 504 ? atService(situation, again) : refused;
}

const refused: Step = { do: "end", ended: "refused" };

function isTransient({ status }: ResponseSeen): boolean {
  return status === 503 || status === 429 || status === 408;
}

/** Only with a key may it be sent again. */
function atService({ call }: Situation, afterMs: number): Step {
  return call.key === undefined ? refused : { do: "ask service", afterMs };
}

function atLocation({ location }: Situation, afterMs: number): Step {
  return location === undefined ? refused : { do: "ask location", location, afterMs };
}
