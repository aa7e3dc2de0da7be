// The answers that clients were given, and what a right one says.

import type { ReplyBody, ResponseSeen, TryLine } from "../journal.ts";
import type { Facts } from "./facts.ts";

/** A 200, with the body and the correlation ID that it has in any run that is worth judging. */
export interface AnswerSeen extends TryLine {
  readonly correlationId: string;
  readonly body: string;
}

export function answersIn(tries: readonly TryLine[]): readonly AnswerSeen[] {
  return tries.flatMap((one) => {
    const response = responseOf(one);
    if (response?.status !== 200) return [];
    return [{ ...one, correlationId: response.correlationId ?? "", body: response.body ?? "" }];
  });
}

export function responseOf(one: TryLine | undefined): ResponseSeen | undefined {
  return one?.outcome.type === "response" ? one.outcome.response : undefined;
}

/** Undefined: it is not what a responder of a run says. */
export function readReplyBody(body: string): ReplyBody | undefined {
  try {
    const { call, principal, nonce } = JSON.parse(body) as Partial<Record<keyof ReplyBody, unknown>>;
    if (typeof call !== "string" || typeof principal !== "string" || typeof nonce !== "string")
      return undefined;
    return { call, principal, nonce };
  } catch {
    return undefined;
  }
}

/** Asked for under its own name: other callers' attempts to see it are no part of it. */
export function ownTries(facts: Facts, call: string): readonly TryLine[] {
  return facts.triesOf(call).filter(({ asked }) => asked !== "location of another");
}

/**
 * A call that is to be answered whatever dies: it has a key, or was accepted, or was told where to come back while
 * nobody knew whether it was handed over, and it was.
 */
export function isDurable(facts: Facts, call: string): boolean {
  return ownTries(facts, call).some((one) => {
    if (one.kind === "plain") return false;
    const response = responseOf(one);
    if (one.key !== undefined || wasAccepted(one)) return true;
    return (response?.location ?? null) !== null && facts.requestsFor(call).length > 0;
  });
}

/** The service was handed the request, as far as the gateway says. */
export function wasAccepted(one: TryLine): boolean {
  return one.asked === "service" && responseOf(one)?.status === 202;
}

/** Every correlation ID that a call has, as its answers and its records name them. */
export function idsOfCall(facts: Facts, call: string): ReadonlySet<string> {
  const seen = facts
    .triesOf(call)
    .filter(({ asked }) => asked === "service")
    .flatMap((one) => responseOf(one)?.correlationId ?? []);
  return new Set([...seen, ...facts.requestsFor(call).map(({ correlationId }) => correlationId)]);
}

/** Of all that a call had handed over by then: until when it is kept. Undefined: there was nothing. */
export function keptUntil(facts: Facts, call: string, by: number): number | undefined {
  const instants = facts
    .requestsFor(call)
    .filter(({ createdAt }) => createdAt <= by)
    .map(({ keepUntil }) => keepUntil);
  return instants.length === 0 ? undefined : Math.max(...instants);
}
