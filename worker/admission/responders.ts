// Whether anybody is there to answer, as far as the service's consumer group shows: when to look again, and what the
// last look means for a request. Pure; the look itself is a question to the bridge, asked beside the requests.

import type { GroupState } from "../../protocol/index.ts";

/** An isolate asks not more often. Longer than a look may take, so that there is one at a time. */
export const lookEveryMs = 2_000;
export const lookTimeoutMs = 1_500;
/** What was seen this long ago says nothing of now: without requests nobody looks. */
const believedForMs = 10_000;

export interface RespondersState {
  /** Epoch ms of the last look that began. */
  readonly lookedAt: number;
  readonly seen?: Seen;
}

interface Seen extends GroupState {
  readonly at: number;
  /** A request was let through since, to see whether a group that is behind moves on. */
  readonly hasTried: boolean;
}

export type Responders = "unknown" | "there" | "none" | "behind";

export const nothingSeen: RespondersState = { lookedAt: 0 };

/** Undefined when it is too early. */
export function beginLook(state: RespondersState, now: number): RespondersState | undefined {
  return now - state.lookedAt >= lookEveryMs ? { ...state, lookedAt: now } : undefined;
}

/** `group` undefined: it could not be asked. Then nobody is refused for it. */
export function endLook(
  { lookedAt }: RespondersState,
  group: GroupState | undefined,
  now: number,
): RespondersState {
  return group === undefined ? { lookedAt } : { lookedAt, seen: { ...group, at: now, hasTried: false } };
}

export function respondersAt({ seen }: RespondersState, now: number): Responders {
  if (seen === undefined || now - seen.at > believedForMs) return "unknown";
  if (seen.members === 0) return "none";
  return seen.isBehind ? "behind" : "there";
}

/**
 * Whether a request may be sent. To a group that is behind one is let through after each look: an offset that nobody
 * would commit otherwise, behind markers of a transaction for one, must not refuse requests for ever.
 */
export function askResponders(
  state: RespondersState,
  now: number,
): { readonly state: RespondersState; readonly admitted: boolean } {
  const responders = respondersAt(state, now);
  if (responders === "none") return { state, admitted: false };
  if (responders !== "behind" || state.seen === undefined) return { state, admitted: true };
  if (state.seen.hasTried) return { state, admitted: false };
  return { state: { ...state, seen: { ...state.seen, hasTried: true } }, admitted: true };
}
