// Does what callback.ts decides for one waiter: stores how far its callback has come, and sends what is due. Nothing
// that a receiver does, or leaves undone, is waited for by anybody. When it is woken is the waiter's business.

import { logCause, logText, parseWebhookSecrets, SparseLog, type CallbackFate } from "../protocol/index.ts";
import * as machine from "./callback.ts";
import type { AttemptResult, Callback } from "./callback.ts";
import { callbackMessage } from "./callback-message.ts";
import { sendCallback } from "./callback-sender.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeStore } from "./exchange-store.ts";
import { HeldBudget } from "./held-budget.ts";

/** Bodies that are being sent, of all waiters of this isolate: a receiver that hangs has one for ten seconds. */
const sendingBudget = new HeldBudget(16 * 1024 * 1024);

/** Of all waiters of this isolate. */
const givenUp = new SparseLog();
const unsigned = new SparseLog();

export interface CallbackKeeperDeps {
  readonly store: ExchangeStore;
  /** Variables and secrets of the Worker. */
  readonly env: object;
  /** Keeps the object until it is done. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** The alarm may have to ring at another moment. */
  readonly changed: () => void;
}

export class CallbackKeeper {
  readonly #deps: CallbackKeeperDeps;
  #callback: Callback | undefined;
  #underWay: AbortController | undefined;

  constructor(deps: CallbackKeeperDeps) {
    this.#deps = deps;
  }

  /** What an earlier instance has stored. Reads nothing where nobody asked for a callback. */
  load(exchange: Exchange): void {
    if (exchange.callback !== undefined) this.#callback = this.#deps.store.loadCallback();
  }

  /**
   * The exchange has gone on, or time has: what is to be told now is stored, and what is due is sent. Writes belong to
   * the turn that it is called in, and the platform sends nothing before they are on disk.
   */
  advance(exchange: Exchange, now: number): void {
    const followed = machine.follow(this.#callback, exchange, now);
    const begun = followed && machine.begin(followed, exchange, now);
    if (begun === undefined) {
      this.#keep(followed);
      return;
    }
    const { store } = this.#deps;
    const isTold = begun.outcome === "replied" && exchange.callback?.withReply === true;
    const body = callbackMessage(begun, exchange, isTold ? store.loadToldReply() : undefined);
    if (!sendingBudget.hasRoomFor(body.byteLength, now)) {
      this.#keep(machine.postpone(followed ?? begun, now, Math.random()));
      return;
    }
    this.#keep(begun);
    sendingBudget.book(this, body.byteLength, begun.nextAt ?? now);
    const underWay = new AbortController();
    this.#underWay = underWay;
    this.#deps.waitUntil(this.#try(begun, exchange, body, underWay));
  }

  /** Undefined: there is nothing to wake for. */
  nextAt(exchange: Exchange): number | undefined {
    return machine.nextCallbackAt(this.#callback, exchange);
  }

  fate(exchange: Exchange): CallbackFate | undefined {
    return machine.fateOf(this.#callback, exchange);
  }

  /** Its row goes with all others. */
  forget(): void {
    this.#callback = undefined;
    this.#stop();
  }

  async #try(
    begun: Callback,
    exchange: Exchange,
    body: Uint8Array,
    underWay: AbortController,
  ): Promise<void> {
    try {
      const result = await this.#send(begun, exchange, body, underWay.signal);
      // Another end is told by now, or nothing is kept any more.
      if (this.#callback !== begun) return;
      this.#stop();
      const settled = machine.settle(begun, exchange, result, Date.now(), Math.random());
      this.#keep(settled);
      if (settled.status === "given-up") logGivenUp(settled, exchange);
      this.#deps.changed();
    } catch (cause) {
      // The alarm finds that the attempt was lost.
      console.error(`hearback: a callback failed: ${logCause(cause)}`);
    }
  }

  async #send(
    { id }: Callback,
    { callback }: Exchange,
    body: Uint8Array,
    ended: AbortSignal,
  ): Promise<AttemptResult> {
    const { url = "", secret = "" } = callback ?? {};
    const secrets: unknown = (this.#deps.env as Readonly<Record<string, unknown>>)[secret];
    const parsed = parseWebhookSecrets(typeof secrets === "string" ? secrets : "");
    if (!parsed.ok) {
      const line = unsigned.line(`callbacks cannot be signed: ${secret} ${parsed.rule}`, Date.now());
      if (line !== undefined) console.error(line);
      return { status: "failed", why: "unsigned" };
    }
    return sendCallback({ url, keys: parsed.keys, id, body, at: Date.now() }, ended);
  }

  #keep(callback: Callback | undefined): void {
    if (callback === this.#callback) return;
    if (callback?.id !== this.#callback?.id) this.#stop();
    this.#callback = callback;
    this.#deps.store.saveCallback(callback);
  }

  #stop(): void {
    this.#underWay?.abort();
    this.#underWay = undefined;
    sendingBudget.book(this, 0, 0);
  }
}

/** Of the URL the host alone: its path and query may be as good as a password. */
function logGivenUp({ attempts, last = "" }: Callback, { callback }: Exchange): void {
  const host = URL.parse(callback?.url ?? "")?.host ?? "";
  const line = givenUp.line(
    `a callback to ${logText(host)} was given up after attempt ${attempts}: ${last}`,
    Date.now(),
  );
  if (line !== undefined) console.warn(line);
}
