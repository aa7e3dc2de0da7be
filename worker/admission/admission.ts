// Who is let through to one service, in one isolate: a place for it, somebody to answer it, and a service that has not
// failed of late. Holds the states that capacity.ts, responders.ts and breaker.ts decide on, counts, and tells of each
// change once. Nothing is awaited but the look for an exchange that is there already. What a refusal looks like is
// in refuse.ts.

import type { KafkaRead } from "../../kafka/index.ts";
import type { GroupState, ProblemCode } from "../../protocol/index.ts";
import type { Service } from "../config.ts";
import type { DurableOutcome } from "../exchange/durable-exchange.ts";
import { ask, newBreaker, settle, type BreakerRules, type BreakerState, type Ticket } from "./breaker.ts";
import { Bulkhead } from "./capacity.ts";
import {
  askResponders,
  beginLook,
  endLook,
  lookEveryMs,
  nothingSeen,
  respondersAt,
  type Responders,
} from "./responders.ts";
import { signOf } from "./sign.ts";

export type RefusalCode = Extract<
  ProblemCode,
  "circuit_open" | "no_responder" | "at_capacity" | "too_many_waiting"
>;

export interface Refusal {
  readonly admitted: false;
  readonly code: RefusalCode;
  /** Seconds, at least 1. */
  readonly retryAfter: number;
}

export interface Admitted {
  readonly admitted: true;
  /** It is to see whether the service is back, also for others than its caller. */
  readonly isProbe: boolean;
  /** How it ended; without an outcome, that nobody will know. Gives the place back. A second call does nothing. */
  settle(outcome?: DurableOutcome): void;
}

export interface Asking {
  /** Whose places it counts against. */
  readonly caller: string;
  /** Epoch ms; names the exchanges that this request opens itself. */
  readonly createdAt: number;
  /** Epoch ms; of the same exchanges. */
  readonly deadlineAt: number;
  /** Of a request with a key: whether its exchange is there, waiting or answered. Never rejects. */
  readonly isKept?: () => Promise<boolean>;
  readonly now: () => number;
  /** Asks the bridge for the state of the service's group. Never rejects. */
  readonly look: (group: string) => Promise<KafkaRead<GroupState>>;
  /** Lets a look outlive the answer. */
  readonly afterwards: (work: Promise<unknown>) => void;
}

export interface AdmissionReport {
  readonly underWay: number;
  readonly capacity: number;
  readonly breaker: { readonly status: BreakerState["status"]; readonly openUntil?: number } | "off";
  /** Absent where the service names no group. */
  readonly responders?: Responders;
  readonly admitted: number;
  readonly refused: Readonly<Record<RefusalCode, number>>;
  /** Admitted by a breaker that was half open. */
  readonly probes: number;
  /** How often the breaker came to be so. */
  readonly transitions: Readonly<Record<BreakerState["status"], number>>;
}

type Terms = Pick<
  Service,
  "name" | "timeoutMs" | "capacity" | "capacityPerPrincipal" | "breaker" | "responderGroup"
>;

/** The Worker gives a wait up 0.25 s after its deadline; a probe that is silent for longer is lost. */
const probeGraceMs = 1_000;
/** Opening and a last look may take seconds beside the wait. */
const placeGraceMs = 15_000;
const soon = 1;

export class Admission {
  readonly #terms: Terms;
  readonly #places: Bulkhead;
  readonly #rules: BreakerRules | undefined;
  #breaker: BreakerState = newBreaker;
  #responders = nothingSeen;
  /** That they are there is what the config promises: only something else is worth a first line. */
  #told: Responders = "there";
  #admitted = 0;
  #probes = 0;
  readonly #refused = { circuit_open: 0, no_responder: 0, at_capacity: 0, too_many_waiting: 0 };
  readonly #transitions = { closed: 0, open: 0, "half-open": 0 };

  constructor(terms: Terms) {
    const { timeoutMs, capacity, capacityPerPrincipal, breaker } = terms;
    this.#terms = terms;
    this.#places = new Bulkhead({
      capacity,
      perCaller: capacityPerPrincipal,
      longestMs: timeoutMs + placeGraceMs,
    });
    this.#rules = breaker === false ? undefined : { ...breaker, probeMs: timeoutMs + probeGraceMs };
  }

  /** Every request that is admitted is settled. */
  async admit(asking: Asking): Promise<Admitted | Refusal> {
    const { caller, isKept, now } = asking;
    this.#lookForResponders(asking);
    // What is there already is answered or joined whatever has become of the service: it costs it nothing. A probe is
    // not spent on it either.
    if (isKept !== undefined && !this.#isClear(now())) {
      const entering = this.#places.enter(caller, now(), { joins: true });
      if (entering.status === "caller-full") return this.#refuse("too_many_waiting", soon);
      if (entering.status === "full") return this.#refuse("at_capacity", soon);
      if (await isKept()) return this.#admit(asking, entering.leave, undefined);
      entering.leave();
    }
    const at = now();
    const entering = this.#places.enter(caller, at);
    if (entering.status === "caller-full") return this.#refuse("too_many_waiting", soon);
    if (entering.status === "full") return this.#refuse("at_capacity", soon);
    const passing = this.#pass(at);
    if (passing.admitted) return this.#admit(asking, entering.leave, passing.ticket);
    entering.leave();
    return passing;
  }

  report(now: number): AdmissionReport {
    const { capacity, responderGroup } = this.#terms;
    const breaker = this.#breaker;
    return {
      underWay: this.#places.underWay,
      capacity,
      breaker:
        this.#rules === undefined
          ? "off"
          : breaker.status === "open"
            ? { status: "open", openUntil: breaker.until }
            : { status: breaker.status },
      ...(responderGroup === undefined ? {} : { responders: respondersAt(this.#responders, now) }),
      admitted: this.#admitted,
      refused: { ...this.#refused },
      probes: this.#probes,
      transitions: { ...this.#transitions },
    };
  }

  /** Nothing speaks against a request, so that none need be looked up before. */
  #isClear(now: number): boolean {
    const responders = respondersAt(this.#responders, now);
    return (
      !this.#places.isFull &&
      (this.#rules === undefined || this.#breaker.status === "closed") &&
      (responders === "unknown" || responders === "there")
    );
  }

  #pass(now: number): { readonly admitted: true; readonly ticket: Ticket | undefined } | Refusal {
    const responders = askResponders(this.#responders, now);
    this.#responders = responders.state;
    if (!responders.admitted) return this.#refuse("no_responder", lookEveryMs / 1_000);
    if (this.#rules === undefined) return { admitted: true, ticket: undefined };
    const { state, decision } = ask(this.#breaker, now, this.#rules);
    this.#move(state);
    return decision.admitted
      ? decision
      : this.#refuse("circuit_open", Math.max(1, Math.ceil((decision.retryAt - now) / 1_000)));
  }

  #refuse(code: RefusalCode, retryAfter: number): Refusal {
    this.#refused[code]++;
    return { admitted: false, code, retryAfter };
  }

  #admit({ createdAt, deadlineAt, now }: Asking, leave: () => void, ticket: Ticket | undefined): Admitted {
    const admittedAt = now();
    let isSettled = false;
    const isProbe = ticket?.probe !== undefined;
    this.#admitted++;
    if (isProbe) this.#probes++;
    return {
      admitted: true,
      isProbe,
      settle: (outcome) => {
        if (isSettled) return;
        isSettled = true;
        leave();
        if (ticket === undefined || this.#rules === undefined) return;
        const at = now();
        const seen = { createdAt, deadlineAt, waitedMs: at - admittedAt, timeoutMs: this.#terms.timeoutMs };
        const sign = outcome === undefined ? "none" : signOf(outcome, seen);
        this.#move(settle(this.#breaker, ticket, sign, at, this.#rules));
      },
    };
  }

  #move(state: BreakerState): void {
    const { turn } = this.#breaker;
    this.#breaker = state;
    if (state.turn === turn) return;
    this.#transitions[state.status]++;
    const why =
      state.status === "closed"
        ? "it answers again"
        : state.because === "expired"
          ? "waits expired"
          : "its records were refused";
    console.warn(`hearback: the breaker of ${this.#terms.name} is ${state.status}: ${why}`);
  }

  /** Beside the request, never before it. */
  #lookForResponders({ now, look, afterwards }: Asking): void {
    const { responderGroup } = this.#terms;
    if (responderGroup === undefined) return;
    const begun = beginLook(this.#responders, now());
    if (begun === undefined) return;
    this.#responders = begun;
    afterwards(
      look(responderGroup).then((found) => {
        const group = found.status === "read" ? found.value : undefined;
        this.#responders = endLook(this.#responders, group, now());
        this.#tell(respondersAt(this.#responders, now()));
      }),
    );
  }

  #tell(responders: Responders): void {
    if (responders === this.#told) return;
    this.#told = responders;
    console.warn(`hearback: ${this.#terms.name}: ${wordsFor[responders]}`);
  }
}

const wordsFor: Readonly<Record<Responders, string>> = {
  unknown: "whether its responders are there cannot be told, so its requests are let through",
  there: "its responders are there",
  none: "its consumer group has no members, so its requests are refused",
  behind: "its consumer group is further behind than a request may wait, so its requests are refused",
};
