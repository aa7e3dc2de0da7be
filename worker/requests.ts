// `/requests/{id}`: a durable exchange asked for by its ID, whatever became of the caller who opened it. Looking,
// waiting for it once more, and taking it back; how it is opened is in service.ts.

import type { Context } from "hono";
import { withDeadline } from "../kafka/index.ts";
import { encodeCancel, SparseLog, type AttachOutcome, type CancelOutcome } from "../protocol/index.ts";
import { distinctWays } from "./access/authenticate.ts";
import { callerOfService, comersOf, type Comers } from "./access/gate.ts";
import { Bulkhead } from "./admission/capacity.ts";
import type { AppEnv, GatewayDeps } from "./app.ts";
import type { Authentication, GatewayConfig, Service } from "./config.ts";
import { connect, type Connection } from "./exchange/connection.ts";
import { findWaiter } from "./exchange/correlation-id.ts";
import { callerKey, clientAddress } from "./http/caller-key.ts";
import { readPreferences } from "./http/preferences.ts";
import { produceOnce } from "./exchange/produce.ts";
import {
  respondOutcome,
  respondProblem,
  respondWaiting,
  withCallbackStatus,
  withPreferenceApplied,
} from "./http/respond.ts";
import { refuseInvalidReply } from "./http/validate-reply.ts";
import { longestSpinMs } from "./exchange/spin.ts";
import { waitForEnd } from "./exchange/wait.ts";
import { durableWait } from "./exchange/waiter-port.ts";

/** Longest a `wait=N` is held here: reports disagree on what the platform allows a request that does not move. */
const longestWaitMs = 30_000;
const waiterTimeoutMs = 3_000;
/**
 * As many of these wait in one isolate, and of one caller; which service they are of, their IDs do not say. One more is
 * answered at once.
 */
const longPolls = { capacity: 1_000, perCaller: 200, longestMs: longestWaitMs + 15_000 };

/** The answer, or 202 while there is none; `Prefer: wait=N` waits for it. */
export function lookHandler(config: GatewayConfig, deps: GatewayDeps) {
  const invalidReplies = new SparseLog();
  const ways = distinctWays(config.services);
  const places = new Bulkhead(longPolls);

  return async function answerLook(c: Context<AppEnv>): Promise<Response> {
    const found = await find(c, ways, deps);
    if (found instanceof Response) return found;
    const { correlationId } = found;
    const { waitSeconds } = readPreferences(c.req.header("Prefer") ?? null);
    const place = waitSeconds === undefined ? undefined : places.enter(found.comer, Date.now());
    // Without a place the preference is not followed, which a preference need not be.
    const waitMs =
      waitSeconds === undefined || place?.status !== "entered"
        ? undefined
        : Math.min(waitSeconds * 1_000, longestWaitMs);
    const outcome = await lookAndWait(found, waitMs ?? 0, c.req.raw.signal).finally(() => {
      if (place?.status === "entered") place.leave();
    });
    if (outcome.status === "forbidden") return found.unknown();
    if (outcome.status === "gone" && found.refusal !== undefined) return found.refusal;
    const service = serviceOf(outcome, config);
    // One person may have a token for another service, or one that is for less.
    const caller = service && (await callerOfService(c, service.authentication, deps));
    if (caller instanceof Response) return caller;
    const response =
      (await invalidReply(outcome, service, correlationId, invalidReplies)) ??
      respondAttached(outcome, correlationId);
    response.headers.set("Cache-Control", "no-store");
    if (outcome.status !== "unavailable") withCallbackStatus(response, outcome.callback);
    return withPreferenceApplied(response, {
      respondAsync: false,
      waitSeconds: waitMs === undefined ? undefined : Math.floor(waitMs / 1_000),
    });
  };
}

/** Takes the request back: 204, also when it was taken back before; 409 once it is answered. */
export function cancelHandler(config: GatewayConfig, deps: GatewayDeps) {
  const ways = distinctWays(config.services);

  return async function answerCancel(c: Context<AppEnv>): Promise<Response> {
    const found = await find(c, ways, deps);
    if (found instanceof Response) return found;
    const { correlationId, connection } = found;
    const { outcome } = await asOwner(found, (principal) => cancel(connection, principal));
    if (outcome.status === "unavailable") return unavailable(correlationId);
    if (outcome.status === "gone" && found.refusal !== undefined) return found.refusal;
    if (outcome.status === "gone") return respondProblem("gone", correlationId);
    if (outcome.status === "forbidden") return found.unknown();
    if (outcome.status === "answered") return respondProblem("already_answered", correlationId);
    if (outcome.record !== undefined) {
      const { topic, key, attempt, deadlineAt } = outcome.record;
      // Whatever becomes of it the exchange is cancelled; a repeat of this call writes it again, once.
      await produceOnce(
        connection.kafka,
        encodeCancel(topic, key, { correlationId, attempt, deadlineAt, cancelledAt: Date.now() }),
        config.produceTimeoutMs,
      );
    }
    return c.body(null, 204);
  };
}

interface Found extends Comers {
  readonly correlationId: string;
  readonly connection: Connection;
  /** Whose places it takes. */
  readonly comer: string;
  /**
   * The answer to an ID that nobody has, and to one that is another's: it names the request that asked, and tells
   * nobody which of the two it was.
   */
  readonly unknown: () => Response;
}

/** Or the answer to an ID that this deployment cannot have given out. */
async function find(
  c: Context<AppEnv>,
  ways: readonly Authentication[],
  deps: GatewayDeps,
): Promise<Found | Response> {
  const comers = await comersOf(c, ways, deps);
  const asked = c.get("correlationId");
  const unknown = () => comers.refusal ?? respondProblem("request_unknown", asked);
  const { WAITER: waiters, CORRELATION_ID_SECRET: uuidSecret } = c.env;
  const id = await findWaiter(c.req.param("id") ?? "", waiters, uuidSecret);
  if (id === undefined) return unknown();
  c.set("correlationId", id.correlationId);
  return {
    ...comers,
    correlationId: id.correlationId,
    connection: connect(c, deps, id.waiterId),
    comer: callerKey(comers.principals[0] ?? "", clientAddress(c.req.raw.headers)),
    unknown,
  };
}

/** What the first of them is told whose exchange it is, or may be. */
async function asOwner<Outcome extends { readonly status: string }>(
  { principals }: Comers,
  ask: (principal: string) => Promise<Outcome>,
): Promise<{ readonly principal: string; readonly outcome: Outcome }> {
  const [first = "", ...others] = principals;
  let told = { principal: first, outcome: await ask(first) };
  for (const principal of others) {
    if (told.outcome.status !== "forbidden") break;
    told = { principal, outcome: await ask(principal) };
  }
  return told;
}

async function cancel(
  { waiter }: Connection,
  principal: string,
): Promise<CancelOutcome | { readonly status: "unavailable" }> {
  const cancelled = await withDeadline(
    Promise.resolve().then(() => waiter().cancel(principal)),
    waiterTimeoutMs,
  );
  return cancelled.status === "done" ? cancelled.value : { status: "unavailable" };
}

type Look = AttachOutcome | { readonly status: "unavailable" };

async function lookAndWait(found: Found, waitMs: number, signal: AbortSignal): Promise<Look> {
  const { connection } = found;
  const until = connection.now() + waitMs;
  const { principal, outcome: first } = await asOwner(found, (each) => look(connection, each));
  if (first.status !== "waiting") return first;
  const { deadlineAt } = first;
  const nudge = (waitsLong: boolean): void =>
    connection.afterwards(connection.nudge(Math.min(until, deadlineAt), deadlineAt, waitsLong));
  nudge(false);
  if (waitMs === 0) return first;
  const ended = await waitForEnd(
    { ...connection, nudge, port: durableWait(connection.waiter, principal) },
    { until, spinMs: longestSpinMs },
    signal,
  );
  return ended ?? look(connection, principal);
}

async function look({ waiter }: Connection, principal: string): Promise<Look> {
  const looked = await withDeadline(
    Promise.resolve().then(() => waiter().attach(principal, 0)),
    waiterTimeoutMs,
  );
  return looked.status === "done" ? looked.value : { status: "unavailable" };
}

/** The exchange itself says whose its reply is: the path does not, and a waiter of an earlier version does neither. */
function serviceOf(outcome: Look, { services }: GatewayConfig): Service | undefined {
  return outcome.status === "replied" ? services.find(({ name }) => name === outcome.service) : undefined;
}

async function invalidReply(
  outcome: Look,
  service: Service | undefined,
  correlationId: string,
  log: SparseLog,
): Promise<Response | undefined> {
  if (outcome.status !== "replied" || service === undefined) return undefined;
  return refuseInvalidReply(service, outcome.reply, correlationId, log);
}

function respondAttached(outcome: Exclude<Look, { status: "forbidden" }>, correlationId: string): Response {
  switch (outcome.status) {
    case "waiting":
      return respondWaiting({ correlationId, ...outcome }, Date.now());
    case "gone":
      return respondProblem("gone", correlationId);
    case "unavailable":
      return unavailable(correlationId);
    case "replied":
    case "expired":
    case "cancelled":
    case "refused":
      return respondOutcome(outcome, correlationId);
  }
}

function unavailable(correlationId: string): Response {
  return respondProblem("waiter_unavailable", correlationId, { headers: { "Retry-After": "1" } });
}
