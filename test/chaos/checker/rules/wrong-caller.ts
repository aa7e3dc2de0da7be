// Nobody gets what is another's: an answer names the call and the principal that asked, no exchange is two principals'
// or two calls', and somebody else's Location is as if it were not there.

import { answersIn, idsOfCall, keptUntil, ownTries, readReplyBody, responseOf } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { TryLine } from "../../journal.ts";

export function* wrongCallers(facts: Facts): Generator<Finding> {
  for (const { asked, call, principal, body } of answersIn(facts.tries)) {
    const said = readReplyBody(body);
    if (asked === "location of another" || said === undefined) continue;
    if (said.call !== call || said.principal !== principal) {
      yield violation(`${principal} asked for ${call} and got ${body}`);
    }
  }
  for (const one of facts.tries) {
    if (one.asked === "location of another") yield* atLocationOfAnother(facts, one);
  }
  yield* sharedExchanges(facts);
}

function* atLocationOfAnother(facts: Facts, one: TryLine): Generator<Finding> {
  const response = responseOf(one);
  // A connection that broke said nothing; whether something explains it is asked of all tries.
  if (response === undefined) return;
  const correlationId = response.correlationId ?? "";
  // The ID of the request that asks; that of the exchange would say that there is one.
  const isUnknown = response.code === "request_unknown" && facts.requestsOf(correlationId).length === 0;
  if (response.status === 404 && isUnknown) return;
  if (response.code === "waiter_unavailable") {
    yield explained("somebody else's waiter was out of reach");
    return;
  }
  // Nothing is left of it, or nothing came of it: nobody knows any more whose it was.
  const kept = keptUntil(facts, one.call, one.endedAt) ?? -Infinity;
  if (response.status === 410 && idsOfCall(facts, one.call).has(correlationId) && one.endedAt >= kept) {
    yield explained("somebody else's exchange was gone");
    return;
  }
  const said = response.body ?? response.code ?? "nothing";
  yield violation(`${one.principal} asked for what is another's and got ${response.status}: ${said}`);
}

function* sharedExchanges(facts: Facts): Generator<Finding> {
  const owners = new Map<string, string>();
  const claims = [
    ...facts.tries.flatMap((one) => {
      const correlationId = responseOf(one)?.correlationId;
      const isOwn = one.asked !== "location of another" && typeof correlationId === "string";
      return isOwn ? [{ correlationId, owner: `${one.principal}'s ${one.call}` }] : [];
    }),
    ...facts.requests.flatMap(({ correlationId, call }) => {
      const principal = ownTries(facts, call)[0]?.principal;
      return principal === undefined ? [] : [{ correlationId, owner: `${principal}'s ${call}` }];
    }),
  ];
  for (const { correlationId, owner } of claims) {
    const before = owners.get(correlationId);
    if (before === undefined) owners.set(correlationId, owner);
    else if (before !== owner) yield violation(`${correlationId} is ${before} and ${owner}`);
  }
}
