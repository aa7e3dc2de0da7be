// `/requests/{id}`: a durable exchange asked for by its ID, whatever became of the caller who opened it. Looking,
// waiting for it once more, and taking it back; how it is opened is in service.ts.

import type { Context } from "hono";
import { withDeadline } from "../kafka/index.ts";
import { encodeCancel, type AttachOutcome } from "../protocol/index.ts";
import { Bulkhead } from "./admission/capacity.ts";
import type { AppEnv, GatewayDeps } from "./app.ts";
import type { GatewayConfig } from "./config.ts";
import { connect, type Connection } from "./exchange/connection.ts";
import { findWaiter } from "./exchange/correlation-id.ts";
import { readPreferences } from "./http/preferences.ts";
import { anonymous, nameOfPrincipal } from "./http/principal.ts";
import { produceOnce } from "./exchange/produce.ts";
import { respondOutcome, respondProblem, respondWaiting, withPreferenceApplied } from "./http/respond.ts";
import { longestSpinMs } from "./exchange/spin.ts";
import { waitForEnd } from "./exchange/wait.ts";
import { durableWait } from "./exchange/waiter-port.ts";

/** Longest a `wait=N` is held here: reports disagree on what the platform allows a request that does not move. */
const longestWaitMs = 30_000;
const waiterTimeoutMs = 3_000;
/** As many of these wait in one isolate; which service they are of, their IDs do not say. One more is answered at once. */
const longPolls = { capacity: 1_000, perCaller: undefined, longestMs: longestWaitMs + 15_000 };

/** The answer, or 202 while there is none; `Prefer: wait=N` waits for it. */
export function lookHandler(deps: GatewayDeps) {
  const places = new Bulkhead(longPolls);
  return async function answerLook(c: Context<AppEnv>): Promise<Response> {
    const found = await find(c, deps);
    if (found instanceof Response) return found;
    const { correlationId, principal, connection } = found;
    const { waitSeconds } = readPreferences(c.req.header("Prefer") ?? null);
    const place = waitSeconds === undefined ? undefined : places.enter("", Date.now());
    // Without a place the preference is not followed, which a preference need not be.
    const waitMs =
      waitSeconds === undefined || place?.status !== "entered"
        ? undefined
        : Math.min(waitSeconds * 1_000, longestWaitMs);
    const outcome = await lookAndWait(connection, principal, waitMs ?? 0, c.req.raw.signal).finally(() => {
      if (place?.status === "entered") place.leave();
    });
    const response = respondAttached(outcome, correlationId);
    response.headers.set("Cache-Control", "no-store");
    return withPreferenceApplied(response, {
      respondAsync: false,
      waitSeconds: waitMs === undefined ? undefined : Math.floor(waitMs / 1_000),
    });
  };
}

/** Takes the request back: 204, also when it was taken back before; 409 once it is answered. */
export function cancelHandler(config: GatewayConfig, deps: GatewayDeps) {
  return async function answerCancel(c: Context<AppEnv>): Promise<Response> {
    const found = await find(c, deps);
    if (found instanceof Response) return found;
    const { correlationId, principal, connection } = found;
    const cancelled = await withDeadline(
      Promise.resolve().then(() => connection.waiter().cancel(principal)),
      waiterTimeoutMs,
    );
    if (cancelled.status !== "done") return unavailable(correlationId);
    const outcome = cancelled.value;
    if (outcome.status === "gone") return respondProblem("gone", correlationId);
    if (outcome.status === "forbidden") return respondProblem("request_unknown", correlationId);
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

interface Found {
  readonly correlationId: string;
  readonly principal: string;
  readonly connection: Connection;
}

/** Or the answer to an ID that this deployment cannot have given out. */
async function find(c: Context<AppEnv>, deps: GatewayDeps): Promise<Found | Response> {
  const { WAITER: waiters, CORRELATION_ID_SECRET: uuidSecret } = c.env;
  const id = await findWaiter(c.req.param("id") ?? "", waiters, uuidSecret);
  if (id === undefined) return respondProblem("request_unknown", c.get("correlationId"));
  c.set("correlationId", id.correlationId);
  return {
    correlationId: id.correlationId,
    principal: nameOfPrincipal(anonymous),
    connection: connect(c, deps, id.waiterId),
  };
}

type Look = AttachOutcome | { readonly status: "unavailable" };

async function lookAndWait(
  connection: Connection,
  principal: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<Look> {
  const until = connection.now() + waitMs;
  const first = await look(connection, principal);
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

function respondAttached(outcome: Look, correlationId: string): Response {
  switch (outcome.status) {
    case "waiting":
      return respondWaiting({ correlationId, ...outcome }, Date.now());
    case "gone":
      return respondProblem("gone", correlationId);
    case "forbidden":
      return respondProblem("request_unknown", correlationId);
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
