// The Durable Object that waits for one reply: it holds and parks callers, keeps time, and does what the two machines
// decide, waiter-state.ts for a plain request and exchange.ts for a durable exchange. It alone says whether a reply came
// in time. It never touches Kafka and, for a plain request that is answered while it is held, never touches storage.

import { DurableObject } from "cloudflare:workers";
import {
  logCause,
  type AttachOutcome,
  type CallbackFate,
  type CancelOutcome,
  type DeliverOutcome,
  type OpenOutcome,
  type Replied,
  type WaitEnd,
  type WaitOutcome,
} from "../protocol/index.ts";
import { Alarm } from "./alarm.ts";
import { CallbackKeeper } from "./callback-keeper.ts";
import * as exchanges from "./exchange.ts";
import type { Exchange, ExchangeStep, Produced, Terms } from "./exchange.ts";
import { ExchangeStore } from "./exchange-store.ts";
import { HeldBudget } from "./held-budget.ts";
import {
  closeAnswered,
  decodeParked,
  encodeParkedOutcome,
  parkHeader,
  type Parked,
  type ParkedOutcome,
} from "./parking.ts";
import * as machine from "./waiter-state.ts";
import type { Delivery, NamedOutcome, Step, WaiterState, WaitSpec } from "./waiter-state.ts";

/**
 * Longest a single call is held. After a deploy a held call lives on in the old instance while replies
 * reach the new one; a caller that comes back this often notices.
 */
export const maxHoldMs = 1_500;

/** Shared by all waiters of this isolate: the memory they share, 128 MB with all else, is what they bound. */
const heldBudget = new HeldBudget(32 * 1024 * 1024);
/** Of its own, so that replies which only might be asked for again never crowd out those that nobody has yet. */
const keptBudget = new HeldBudget(8 * 1024 * 1024);

/** After an alarm that failed: the platform gives up on one that failed seven times, and rows would stay for ever. */
const afterFailedAlarmMs = 30_000;
/** What a version that is not here has stored is left to it; without an alarm nobody would ever remove it. */
const lookAgainAfterMs = 86_400_000;

/**
 * What the gateway and the drain may call. All methods return expected fates; only lost objects throw. Worker and
 * object roll out at different moments: methods are added and get optional parameters, and never change otherwise.
 */
export interface WaiterRpc {
  wait(spec: WaitSpec, holdMs: number): Promise<WaitOutcome>;
  deliver(
    deliveries: readonly Delivery[],
    options?: { readonly named?: boolean },
  ): Promise<readonly (DeliverOutcome | NamedOutcome)[]>;
  leave(): Promise<void>;
  peek(): Promise<WaiterPhase>;
  open(terms: Terms, opener: string): Promise<OpenOutcome>;
  confirm(attempt: number, produced: Produced): Promise<"goes-on" | "ended">;
  attach(principal: string, holdMs: number): Promise<AttachOutcome>;
  cancel(principal: string): Promise<CancelOutcome>;
}

/** `stored`: a durable exchange, whatever has become of it. */
export type WaiterPhase = WaiterState["phase"] | "stored";

type Held = (outcome: WaitEnd) => void;

/** What is in storage, as far as it was looked at. `unreadable`: an exchange of a version that this code does not know. */
type Stored = "not-looked" | Exchange | "unreadable" | undefined;

export class Waiter extends DurableObject<object> implements WaiterRpc {
  readonly #store: ExchangeStore;
  readonly #alarm: Alarm;
  readonly #callback: CallbackKeeper;
  #state: WaiterState = machine.idle;
  #stored: Stored = "not-looked";
  #holds = new Set<Held>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env);
    this.#store = new ExchangeStore(ctx.storage);
    this.#callback = new CallbackKeeper({
      store: this.#store,
      env,
      waitUntil: (work) => ctx.waitUntil(work),
      changed: () => this.#keepTime(),
    });
    const parked = this.#parked();
    // Woken from hibernation: the callers' sockets are what is left of a plain wait.
    const plain = parked.map(([, what]) => what).find((what) => what.kind === "plain");
    this.#alarm = new Alarm(ctx.storage);
    if (plain !== undefined) {
      this.#state = { phase: "open", spec: plain.spec };
      this.#alarm.inherit(plain.spec.deadlineAt);
    } else if (parked.length > 0) {
      this.#load();
    }
  }

  /**
   * Opens a plain wait, or attaches to it again, for at most `holdMs` (capped at 1.5 s). Answers `waiting` when
   * that time ends before the wait does; call again until it says something else. A second call with
   * another deadline does not move the first one.
   */
  async wait(spec: WaitSpec, holdMs: number): Promise<WaitOutcome> {
    const outcome = this.#take(machine.attach(this.#state, spec, Date.now()));
    return outcome.status === "waiting" ? this.#hold(holdMs, () => outcome) : outcome;
  }

  /**
   * One outcome per delivery, in order; `named`: with the service. Safe to repeat: the same record gets the same
   * answer again.
   */
  async deliver(
    deliveries: readonly Delivery[],
    { named = false }: { readonly named?: boolean } = {},
  ): Promise<readonly (DeliverOutcome | NamedOutcome)[]> {
    return deliveries.map((delivery) => {
      const outcome = this.#deliver(delivery);
      if (!named) return outcome;
      const service = this.#service();
      return service === undefined ? { outcome } : { outcome, service };
    });
  }

  /** Ends a plain wait because nobody is there to answer any more. A second call, or one after the end, is a no-op. */
  async leave(): Promise<void> {
    this.#take(machine.leave(this.#state));
  }

  /** Looks without attaching and changes nothing: for tests and for operators who ask what became of an ID. */
  async peek(): Promise<WaiterPhase> {
    const plain = machine.expire(this.#state, Date.now()).state.phase;
    return plain === "idle" && this.#load() !== undefined ? "stored" : plain;
  }

  /**
   * Opens a durable exchange, joins it, or answers from what is stored; written before it is said. `opener` is of the
   * caller's choice and new for each request: who asks again with the same one is told the same.
   */
  async open(terms: Terms, opener: string): Promise<OpenOutcome> {
    const now = Date.now();
    // A reply that came for an earlier life of this key is none for this one.
    if (this.#state.phase === "held") this.#take({ state: machine.idle, said: undefined });
    if (now >= (this.#load()?.keepUntil ?? Infinity)) await this.#forget();
    const said = this.#keep(exchanges.open(this.#load(), terms, opener, now));
    return said.status === "replied" ? this.#withReply() : said;
  }

  /** What became of the produce of an attempt. Says whether the attempt goes on; safe to repeat. */
  async confirm(attempt: number, produced: Produced): Promise<"goes-on" | "ended"> {
    const before = this.#load();
    const step = exchanges.confirm(before, attempt, produced);
    const isForgotten = before !== undefined && step.exchange === undefined;
    // It goes with the rows, and not in a write of its own before them.
    if (isForgotten) this.#alarm.gone();
    const said = this.#keep(step);
    if (isForgotten) await this.#forget();
    return said;
  }

  /**
   * Waits for a durable exchange that exists, for at most `holdMs` (capped at 1.5 s); 0 only looks. `waiting` means:
   * attach again, or come back later.
   */
  async attach(principal: string, holdMs: number): Promise<AttachOutcome> {
    const outcome = this.#look(principal);
    if (outcome.status !== "waiting" || holdMs <= 0) return outcome;
    return this.#hold(holdMs, () => this.#look(principal));
  }

  /** Takes the request of a durable exchange back; all who are attached are told. A second call is told the same. */
  async cancel(principal: string): Promise<CancelOutcome> {
    const said = this.#keep(exchanges.cancel(this.#load(), principal, Date.now()));
    const exchange = this.#load();
    if (said !== "cancelled" || exchange?.cancelTarget === undefined) return { status: said };
    return { status: said, record: { ...exchange.cancelTarget, ...exchanges.attemptOf(exchange) } };
  }

  /**
   * Parks a caller: a WebSocket that does not keep the object in memory, and one message when the wait ends. What came
   * before is sent at once. Only Workers of this deployment can get here.
   */
  override async fetch(request: Request): Promise<Response> {
    const parked = decodeParked(request.headers.get(parkHeader));
    if (parked === undefined || request.headers.get("Upgrade") !== "websocket") {
      return new Response("only for parking", { status: 400 });
    }
    const outcome =
      parked.kind === "plain"
        ? this.#take(machine.attach(this.#state, parked.spec, Date.now()))
        : this.#look(parked.principal);
    const [caller, socket] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(socket);
    if (outcome.status === "waiting") {
      socket.serializeAttachment(
        "deadlineAt" in outcome ? { ...parked, deadlineAt: outcome.deadlineAt } : parked,
      );
      this.#keepTime();
    } else {
      sendOutcome(socket, outcome);
    }
    return new Response(null, { status: 101, webSocket: caller });
  }

  /** The caller is gone, or was told; either way there is one less to wake for. */
  override async webSocketClose(): Promise<void> {
    this.#keepTime();
  }

  override async webSocketError(): Promise<void> {
    this.#keepTime();
  }

  /** Ends what is due. It must not fail for long: the rows it is to remove would stay. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    try {
      await this.#endWhatIsDue();
    } catch (cause) {
      console.error(`hearback: the alarm of a waiter failed: ${logCause(cause)}`);
      await this.#alarm.again(Date.now() + afterFailedAlarmMs);
    }
    if (this.#stored === "unreadable") await this.#alarm.again(Date.now() + lookAgainAfterMs);
  }

  async #endWhatIsDue(): Promise<void> {
    const now = Date.now();
    const exchange = this.#exchange();
    if (exchange === undefined) {
      this.#take(machine.expire(this.#state, now));
      return;
    }
    const isOver = now >= exchange.keepUntil;
    if (!isOver) this.#callback.advance(exchange, now);
    if (now >= exchange.deadlineAt && exchange.end === undefined) {
      this.#release(this.#withCallback({ status: "expired", deadlineAt: exchange.deadlineAt }, exchange));
    }
    if (isOver) await this.#forget();
    this.#keepTime();
  }

  #deliver(delivery: Delivery): DeliverOutcome {
    const now = Date.now();
    const exchange = this.#exchange();
    if (exchange !== undefined) return this.#keep(exchanges.deliver(exchange, delivery, now));
    const bytes = machine.replyBytes(delivery.reply);
    return this.#take(
      machine.deliver(this.#state, delivery, now, {
        attached: this.#holds.size > 0 || this.#parked().length > 0,
        mayHold: heldBudget.hasRoomFor(bytes, now),
        mayKeep: keptBudget.hasRoomFor(bytes, now),
      }),
    );
  }

  /** A plain wait knows itself; only what knows nothing may have something stored. */
  #exchange(): Exchange | undefined {
    return this.#state.phase === "idle" ? this.#load() : undefined;
  }

  #look(principal: string): AttachOutcome {
    const exchange = this.#load();
    const said = exchanges.look(exchange, principal, Date.now());
    if (said.status === "gone" || said.status === "forbidden") return said;
    if (exchange !== undefined && this.#isBehind(exchange)) this.#keepTime();
    return this.#withCallback(said.status === "replied" ? this.#withReply() : said, exchange);
  }

  /** A version that knows no callbacks has stored what is to be told, and set the alarm for retention alone. */
  #isBehind(exchange: Exchange): boolean {
    return (this.#callback.nextAt(exchange) ?? Infinity) <= Date.now();
  }

  #withCallback<Outcome extends object>(
    outcome: Outcome,
    exchange: Exchange | undefined,
  ): Outcome & { callback?: CallbackFate } {
    const callback = exchange && this.#callback.fate(exchange);
    return callback === undefined ? outcome : { ...outcome, callback };
  }

  #service(): string | undefined {
    return this.#loaded()?.service ?? machine.serviceOf(this.#state);
  }

  /** Held until the wait ends or the time is over; then `look` says how things stand. */
  #hold<Outcome>(holdMs: number, look: () => Outcome): Promise<Outcome | WaitEnd> {
    return new Promise((resolve) => {
      const end = (outcome: Outcome | WaitEnd): void => {
        clearTimeout(timer);
        this.#holds.delete(end);
        resolve(outcome);
      };
      const timer = setTimeout(
        () => {
          end(look());
          this.#keepTime();
        },
        Math.min(holdMs, maxHoldMs),
      );
      this.#holds.add(end);
      this.#keepTime();
    });
  }

  /** A step of the plain wait: memory only. */
  #take<Said>({ state, said, release }: Step<Said>): Said {
    if (state !== this.#state) {
      this.#state = state;
      this.#book(state);
    }
    if (release !== undefined) this.#release(release);
    this.#keepTime();
    return said;
  }

  /** A step of the durable exchange: stored before anybody is told, since the platform holds words back until then. */
  #keep<Said>({ exchange, said, reply, release }: ExchangeStep<Said>): Said {
    if (exchange !== this.#load()) {
      this.#stored = exchange;
      if (exchange !== undefined) {
        this.#store.save(exchange, reply);
        this.#callback.advance(exchange, Date.now());
      }
    }
    if (release !== undefined) this.#release(this.#withCallback(release, exchange));
    this.#keepTime();
    return said;
  }

  #load(): Exchange | undefined {
    if (this.#stored === "not-looked") {
      this.#stored = this.#store.load();
      const found = this.#loaded();
      if (found !== undefined) {
        this.#alarm.inherit(found.keepUntil);
        this.#callback.load(found);
      }
    }
    return this.#loaded();
  }

  /** Without looking. */
  #loaded(): Exchange | undefined {
    return typeof this.#stored === "object" ? this.#stored : undefined;
  }

  #withReply(): Replied {
    const reply = this.#store.loadReply();
    if (reply === undefined) throw new Error("an exchange has its reply's end without its reply");
    const service = this.#loaded()?.service;
    return { status: "replied", reply, ...(service === undefined ? {} : { service }) };
  }

  async #forget(): Promise<void> {
    this.#stored = undefined;
    this.#callback.forget();
    this.#alarm.gone();
    await this.#store.forget();
  }

  /** Tells everybody who is attached. */
  #release(outcome: WaitEnd): void {
    for (const end of this.#holds) end(outcome);
    for (const [socket] of this.#parked()) sendOutcome(socket, outcome);
  }

  /** Those who are parked now. A socket that was just closed is still listed by the platform for a while. */
  #parked(): (readonly [WebSocket, Parked])[] {
    return this.ctx
      .getWebSockets()
      .filter(({ readyState }) => readyState === WebSocket.OPEN)
      .flatMap((socket) => {
        const parked = socket.deserializeAttachment() as Parked | null;
        return parked === null ? [] : [[socket, parked] as const];
      });
  }

  #book(state: WaiterState): void {
    const held = state.phase === "held" ? state.deliveries : [];
    const heldBytes = held.reduce((sum, { reply }) => sum + machine.replyBytes(reply), 0);
    heldBudget.book(this, heldBytes, state.phase === "held" ? state.heldUntil : 0);
    const kept = state.phase === "answered" ? state.reply : undefined;
    // No timer ends the keeping: an object that nobody calls leaves memory about as soon as this says.
    keptBudget.book(
      this,
      kept === undefined ? 0 : machine.replyBytes(kept),
      Date.now() + machine.holdReplyMs,
    );
  }

  /**
   * While somebody is held, one timer for whatever expires next: so the wait ends in time even if its Worker is gone.
   * While somebody is parked the alarm does it, since a timer would keep the object in memory, and billed. While
   * nobody is attached nothing does: the clock is asked when somebody comes, and an idle object is forgotten.
   */
  #keepTime(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    // An alarm of an earlier instance may be that of a stored exchange.
    const exchange = this.#alarm.isInherited ? this.#load() : this.#loaded();
    const expiresAt =
      this.#holds.size > 0 || this.#state.phase === "held"
        ? (machine.nextExpiry(this.#state) ?? exchanges.nextExpiry(exchange))
        : undefined;
    if (expiresAt !== undefined) {
      this.#timer = setTimeout(() => void this.#endWhatIsDue(), expiresAt - Date.now());
    }
    const parkedUntil = this.#parked().reduce<number | undefined>((earliest, [, parked]) => {
      const until = parked.kind === "plain" ? parked.spec.deadlineAt : parked.deadlineAt;
      return until === undefined ? earliest : Math.min(earliest ?? until, until);
    }, undefined);
    const callbackAt = exchange && this.#callback.nextAt(exchange);
    this.#alarm.keep(
      {
        ...(parkedUntil === undefined ? {} : { parkedUntil }),
        ...(exchange === undefined ? {} : { keepUntil: exchange.keepUntil }),
        ...(callbackAt === undefined ? {} : { callbackAt }),
      },
      exchange !== undefined,
    );
  }
}

/** To a socket that is open. One that breaks at this moment has a caller who will attach again. */
function sendOutcome(socket: WebSocket, outcome: ParkedOutcome): void {
  try {
    socket.send(encodeParkedOutcome(outcome));
    socket.close(closeAnswered, outcome.status);
  } catch (cause) {
    console.warn(`hearback: a parked caller could not be told: ${logCause(cause)}`);
  }
}
