// The clients of a run: calls begin at a fixed rate, whatever becomes of the earlier ones, and each is followed until it
// is answered or over. Every request and every call is a line of a journal. What a client wants is planned-call.ts, what
// it does next is next-step.ts.

import { setTimeout as sleep } from "node:timers/promises";
import { principals, type Principal, type Times } from "./gateway/services.ts";
import { tryHttp, type HttpTry, type TryResult } from "./http-try.ts";
import type { CallLine, TryLine } from "./journal.ts";
import type { Journal } from "./journal-file.ts";
import { nextStep, type Outcome } from "./next-step.ts";
import { planCall, type PlannedCall } from "./planned-call.ts";
import { randomOf, type Random } from "./random.ts";

export interface ClientsOptions {
  readonly url: string;
  readonly seed: number;
  /** Calls a second. */
  readonly rate: number;
  readonly times: Times;
  readonly apiKeys: Readonly<Record<Principal, string>>;
  /** How long a request may lie in front of a gateway that is stopped before it is taken up, in ms. */
  readonly longestStandstillMs: number;
  readonly tries: Journal<TryLine>;
  readonly calls: Journal<CallLine>;
}

export interface Clients {
  readonly begun: number;
  readonly answered: number;
  /** Not yet over. */
  readonly open: number;
  /** No more calls begin from now on. Resolves when all are over; after so many ms those that are left give up. */
  finish(patienceMs: number): Promise<void>;
}

export function startClients(options: ClientsOptions): Clients {
  const startedAt = Date.now();
  const over = new AbortController();
  const open = new Set<Promise<void>>();
  const count = { begun: 0, answered: 0 };
  const begin = (): void => {
    while (count.begun < ((Date.now() - startedAt) * options.rate) / 1_000) {
      const number = count.begun++;
      const client = new Client(options, planCall(options.seed, number), over.signal);
      const call = client.run().then((ended) => {
        if (ended === "answered") count.answered++;
        open.delete(call);
      });
      open.add(call);
    }
  };
  const ticking = setInterval(begin, 10);
  return {
    get begun() {
      return count.begun;
    },
    get answered() {
      return count.answered;
    },
    get open() {
      return open.size;
    },
    async finish(patienceMs) {
      clearInterval(ticking);
      const givingUp = setTimeout(() => over.abort(), patienceMs);
      await Promise.all(open);
      clearTimeout(givingUp);
    },
  };
}

/** How often an answer is asked for once more. */
const repeats = 2;
/** The latest of them, after the answer, in ms. */
const latestRepeatMs = 25_000;

class Client {
  readonly #options: ClientsOptions;
  readonly #call: PlannedCall;
  readonly #over: AbortSignal;
  readonly #random: Random;
  readonly #begunAt = Date.now();
  #isAnswered = false;

  constructor(options: ClientsOptions, call: PlannedCall, over: AbortSignal) {
    this.#options = options;
    this.#call = call;
    this.#over = over;
    this.#random = randomOf(options.seed, `client of ${call.call}`);
  }

  /** Its calls line is written when it is over. */
  async run(): Promise<CallLine["ended"]> {
    const { call, kind, principal, callers } = this.#call;
    const fates = await Promise.all(Array.from({ length: callers }, () => this.#untilAnswered()));
    const ended = fates.includes("answered") ? "answered" : (fates[0] ?? "gave-up");
    this.#options.calls.write({ call, kind, principal, ended });
    return ended;
  }

  /** One caller: asks until it is over, and then some more. */
  async #untilAnswered(): Promise<CallLine["ended"]> {
    let asked: "service" | "location" = "service";
    let location: string | undefined;
    let failures = 0;
    const spies: Promise<void>[] = [];
    for (;;) {
      const { outcome, retryAfterMs } = await this.#ask(asked, location);
      const isNew = location === undefined;
      location = locationIn(outcome) ?? location;
      if (isNew && location !== undefined && this.#call.isSpiedOn) spies.push(this.#spy(location));
      failures = isProgress(outcome) ? 0 : failures + 1;
      const jitter = this.#random.next();
      const step = nextStep({
        call: this.#call,
        asked,
        location,
        outcome,
        retryAfterMs,
        failures,
        jitter,
      });
      if (step.do === "end") {
        if (step.ended === "answered") await this.#askOnceMore(location);
        await Promise.all(spies);
        return step.ended;
      }
      await this.#pause(step.afterMs);
      if (this.#over.aborted) return "gave-up";
      // Another caller has the answer, and it may be gone: what is asked now could be a new exchange.
      if (this.#isAnswered && !this.#isStillKept()) return "answered";
      asked = step.do === "ask service" ? "service" : "location";
    }
  }

  /** The answer has been given; as long as it is certainly kept it must be given again. */
  async #askOnceMore(location: string | undefined): Promise<void> {
    this.#isAnswered = true;
    if (this.#call.kind === "plain") return;
    const spanMs = Math.min(latestRepeatMs, this.#keptUntil() - Date.now());
    const delays = Array.from({ length: repeats }, () => this.#random.next() * spanMs);
    let passedMs = 0;
    for (const delayMs of delays.toSorted((a, b) => a - b)) {
      await this.#pause(delayMs - passedMs);
      passedMs = delayMs;
      for (let failures = 0; this.#isStillKept() && !this.#over.aborted; failures++) {
        const asked = location !== undefined && this.#isAskedByLocation() ? "location" : "service";
        const { outcome } = await this.#ask(asked, location);
        if (outcome.type === "response" && outcome.response.status === 200) break;
        await this.#pause(500 * (failures + 1));
      }
    }
  }

  /** Without a key there is no other way; with one, now this and now that. */
  #isAskedByLocation(): boolean {
    return this.#call.key === undefined || this.#random.chance(0.5);
  }

  /** Somebody else asks for what is this one's. */
  async #spy(location: string): Promise<void> {
    const other = principals.find((principal) => principal !== this.#call.principal);
    if (other === undefined) return;
    await this.#pause(this.#random.between(0, 5_000));
    await this.#try("location of another", other, {
      method: "GET",
      url: `${this.#options.url}${location}`,
      headers: {},
      patienceMs: this.#call.patienceMs,
    });
  }

  async #ask(asked: "service" | "location", location: string | undefined): Promise<TryResult> {
    const { call, kind, key, principal, patienceMs, waitSeconds } = this.#call;
    if (asked === "location" && location !== undefined) {
      return this.#try("location", principal, {
        method: "GET",
        url: `${this.#options.url}${location}`,
        headers: waitSeconds === 0 ? {} : { prefer: `wait=${waitSeconds}` },
        patienceMs: patienceMs + waitSeconds * 1_000,
      });
    }
    return this.#try("service", principal, {
      method: "POST",
      url: `${this.#options.url}/${kind}`,
      headers: {
        "content-type": "application/json",
        ...(key === undefined ? {} : { "idempotency-key": `"${key}"` }),
        ...(kind === "async" ? { prefer: "respond-async" } : {}),
      },
      body: JSON.stringify({ call }),
      patienceMs,
    });
  }

  async #try(
    asked: TryLine["asked"],
    principal: Principal,
    request: Omit<HttpTry, "over">,
  ): Promise<TryResult> {
    const { call, kind, key } = this.#call;
    const sentAt = Date.now();
    const headers = { ...request.headers, authorization: `Bearer ${this.#options.apiKeys[principal]}` };
    const result = await tryHttp({ ...request, headers, over: this.#over });
    this.#options.tries.write({
      call,
      kind,
      principal,
      ...(key === undefined ? {} : { key }),
      asked,
      sentAt,
      endedAt: Date.now(),
      outcome: result.outcome,
    });
    return result;
  }

  /**
   * Epoch ms until which a request that is sent finds the exchange, even if the gateway is stopped before it takes the
   * request up. The exchange began when this call did, or later.
   */
  #keptUntil(): number {
    const { times, longestStandstillMs } = this.#options;
    const timeoutMs = this.#call.kind === "keyed" ? times.keyedMs : times.asyncMs;
    return this.#begunAt + timeoutMs + times.retentionMs - longestStandstillMs;
  }

  #isStillKept(): boolean {
    return Date.now() < this.#keptUntil();
  }

  /** Cut short by the end of the run. */
  async #pause(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.#over }).catch(() => undefined);
  }
}

function locationIn(outcome: Outcome): string | undefined {
  return outcome.type === "response" ? (outcome.response.location ?? undefined) : undefined;
}

function isProgress(outcome: Outcome): boolean {
  return outcome.type === "response" && (outcome.response.status === 200 || outcome.response.status === 202);
}
