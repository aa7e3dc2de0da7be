// When a service is asked no more, and when again: the states of a circuit breaker and what moves it from one to the
// next. Pure; it knows neither HTTP nor Kafka. What counts as a failure is in sign.ts, who is asked beside it in
// admission.ts.

/**
 * What an exchange has shown of its service. `handed-over`: Kafka took its record, and nobody waited for more.
 * `refused`: Kafka did not take it, or did not answer. `none`: nothing.
 */
export type Sign = "replied" | "handed-over" | "refused" | "expired" | "none";
export type Failure = Extract<Sign, "refused" | "expired">;

export interface BreakerRules {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open, in ms. */
  readonly openMs: number;
  /** Requests that may be under way to see whether the service is back, and successes that close it again. */
  readonly probes: number;
  /** How long a probe may take before it counts as lost, in ms. */
  readonly probeMs: number;
}

/** Of outcomes of these many seconds, when there are so many at least, this share of failures opens it, too. */
export const windowSeconds = 10;
export const fewestInWindow = 20;
export const shareOfFailures = 0.5;

export type BreakerState = Closed | Open | HalfOpen;

interface Turn {
  /** Another one after each change of status: what was admitted before says nothing after it. */
  readonly turn: number;
}

interface Closed extends Turn {
  readonly status: "closed";
  /** Without a success in between; what Kafka takes ends a row of refusals, and not one of expired waits. */
  readonly row: Readonly<Record<Failure, number>>;
  /** Outcomes by the second, the oldest first. */
  readonly window: readonly Second[];
}

interface Second {
  readonly second: number;
  readonly successes: number;
  readonly failures: number;
}

interface Open extends Turn {
  readonly status: "open";
  /** Epoch ms. */
  readonly until: number;
  readonly because: Failure;
}

interface HalfOpen extends Turn {
  readonly status: "half-open";
  readonly because: Failure;
  readonly successes: number;
  /** Those whose place is taken. */
  readonly probes: readonly Probe[];
  readonly nextProbe: number;
}

interface Probe {
  readonly id: number;
  readonly beganAt: number;
  /** Epoch ms from which on another may take its place, whatever became of it. */
  readonly freeAt: number;
}

/** What an admitted request brings back with what it has seen. */
export interface Ticket {
  readonly turn: number;
  /** Absent on one that is no probe. */
  readonly probe?: number;
}

export interface Asked {
  readonly state: BreakerState;
  /** `retryAt`: epoch ms of the next probe, as far as that is known. */
  readonly decision:
    | { readonly admitted: true; readonly ticket: Ticket }
    | { readonly admitted: false; readonly retryAt: number };
}

export const newBreaker: BreakerState = closed(0);

/** Whether one more request may be sent. `now` in epoch ms. */
export function ask(state: BreakerState, now: number, rules: BreakerRules): Asked {
  switch (state.status) {
    case "closed":
      return { state, decision: { admitted: true, ticket: { turn: state.turn } } };
    case "open": {
      if (now < state.until) return { state, decision: { admitted: false, retryAt: state.until } };
      const { turn, because } = state;
      const halfOpen = {
        status: "half-open",
        turn: turn + 1,
        because,
        successes: 0,
        probes: [],
        nextProbe: 0,
      } as const;
      return ask(halfOpen, now, rules);
    }
    case "half-open": {
      const probes = state.probes.filter(({ freeAt }) => freeAt > now);
      if (probes.length >= rules.probes) {
        // A probe usually ends long before its time: nobody is sent away for longer than by an open one.
        const retryAt = Math.min(now + rules.openMs, ...probes.map(({ freeAt }) => freeAt));
        return { state, decision: { admitted: false, retryAt } };
      }
      const id = state.nextProbe;
      const probe = { id, beganAt: now, freeAt: now + rules.probeMs };
      return {
        state: { ...state, probes: [...probes, probe], nextProbe: id + 1 },
        decision: { admitted: true, ticket: { turn: state.turn, probe: id } },
      };
    }
  }
}

/** Takes in what an admitted request has seen; once per ticket. */
export function settle(
  state: BreakerState,
  ticket: Ticket,
  sign: Sign,
  now: number,
  rules: BreakerRules,
): BreakerState {
  if (ticket.turn !== state.turn) return state;
  switch (state.status) {
    case "closed":
      return whileClosed(state, sign, now, rules);
    case "open":
      return state;
    case "half-open":
      return whileHalfOpen(state, ticket, sign, now, rules);
  }
}

function whileClosed(state: Closed, sign: Sign, now: number, rules: BreakerRules): BreakerState {
  if (sign === "none") return state;
  const window = counted(state.window, isFailure(sign), Math.floor(now / 1_000));
  if (!isFailure(sign)) {
    const row = { refused: 0, expired: sign === "replied" ? 0 : state.row.expired };
    return { ...state, row, window };
  }
  const row = { ...state.row, [sign]: state.row[sign] + 1 };
  return row.refused + row.expired >= rules.failures || isMostlyFailures(window)
    ? open(state.turn + 1, sign, now, rules)
    : { ...state, row, window };
}

function whileHalfOpen(
  state: HalfOpen,
  ticket: Ticket,
  sign: Sign,
  now: number,
  rules: BreakerRules,
): BreakerState {
  const probe = state.probes.find(({ id }) => id === ticket.probe);
  // One that was lost, and whose place another has taken.
  if (probe === undefined || probe.freeAt <= now) return state;
  const others = state.probes.filter((other) => other !== probe);
  if (isFailure(sign)) return open(state.turn + 1, sign, now, rules);
  // What Kafka takes shows that Kafka is back, and nothing of a service that did not answer.
  if (sign === "replied" || (sign === "handed-over" && state.because === "refused")) {
    const successes = state.successes + 1;
    return successes >= rules.probes ? closed(state.turn + 1) : { ...state, successes, probes: others };
  }
  // Were its place free at once, whoever does not wait for an answer could probe without end.
  const freeAt = Math.min(probe.freeAt, Math.max(now, probe.beganAt + rules.openMs));
  return { ...state, probes: [...others, { ...probe, freeAt }] };
}

function isFailure(sign: Sign): sign is Failure {
  return sign === "refused" || sign === "expired";
}

function closed(turn: number): Closed {
  return { status: "closed", turn, row: { refused: 0, expired: 0 }, window: [] };
}

function open(turn: number, because: Failure, now: number, { openMs }: BreakerRules): Open {
  return { status: "open", turn, until: now + openMs, because };
}

function counted(window: readonly Second[], failed: boolean, second: number): readonly Second[] {
  const kept = window.filter((each) => each.second > second - windowSeconds);
  const last = kept.at(-1);
  const isSame = last !== undefined && last.second >= second;
  const { successes, failures } = isSame ? last : { successes: 0, failures: 0 };
  return [
    ...(isSame ? kept.slice(0, -1) : kept),
    {
      second: isSame ? last.second : second,
      successes: successes + (failed ? 0 : 1),
      failures: failures + (failed ? 1 : 0),
    },
  ];
}

function isMostlyFailures(window: readonly Second[]): boolean {
  const failures = window.reduce((sum, each) => sum + each.failures, 0);
  const all = window.reduce((sum, each) => sum + each.failures + each.successes, 0);
  return all >= fewestInWindow && failures / all >= shareOfFailures;
}
