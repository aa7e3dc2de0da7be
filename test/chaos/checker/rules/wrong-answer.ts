// Every HTTP request ends in an answer, a problem of the table below, or a connection that a fault broke.

import { readReplyBody, responseOf } from "../answers.ts";
import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";
import type { CallKind, ResponseSeen, TryLine } from "../../journal.ts";

/** What a gateway may say while parts of the loop are dead (docs/protocol.md, section 6), at its services. */
const notNow = [
  "503 produce_refused",
  "503 waiter_unavailable",
  "503 circuit_open",
  "503 at_capacity",
  "503 no_responder",
  // Of a runtime that was stopped for longer than a body may take.
  "408 body_timeout",
];
const allowedAtService: Readonly<Record<CallKind, readonly string[]>> = {
  plain: ["200", "504 deadline_exceeded", ...notNow],
  keyed: ["200", "504 deadline_exceeded", "503 produce_unknown", ...notNow],
  // With a key it may have been answered before, or expire at this moment.
  async: ["200", "202", "503 produce_unknown", "504 deadline_exceeded", ...notNow],
};
const allowedAtLocation = [
  "200",
  "202",
  "504 deadline_exceeded",
  "503 waiter_unavailable",
  "503 produce_refused",
  // Whether it was too early is another rule's.
  "410 gone",
];

/** As clients call it when they go away by themselves; what they were not told in time is another rule's. */
const wentAway = "the client went away";

/** After a fault: until nobody waits because of it. */
const healedAfterMs = 10_000;

/** Said by a gateway that has handed nothing over (docs/protocol.md, section 6), of this request. */
const notHandedOver = new Set([
  "circuit_open",
  "at_capacity",
  "no_responder",
  "waiter_unavailable",
  "body_timeout",
]);
/** A deadline is that of the gateway's clock, which stands still between two events. */
const earlyMs = 500;
/** Who is told of the end of one attempt is told so before the next one is this old. */
const nextAttemptMs = 5_000;

/** A kill is written down when it is done, and a restart when somebody has found the runtime to answer. */
const slackMs = 1_000;

export function* wrongAnswers(facts: Facts): Generator<Finding> {
  for (const one of facts.tries) {
    const response = responseOf(one);
    if (response === undefined) yield broken(facts, one);
    // What one who asks for another's is told is another rule's.
    else if (one.asked !== "location of another") {
      const wrong = wrongIn(one, response);
      if (wrong !== undefined) yield violation(`the ${one.kind} call ${one.call} ended in ${wrong}`);
      yield* untrue(facts, one, response);
    }
  }
}

function broken(facts: Facts, { kind, call, sentAt, endedAt, outcome }: TryLine): Finding {
  const cause = outcome.type === "broken" ? outcome.cause : "";
  if (cause === wentAway) {
    // Nobody need be told a 202, or what is at a Location, so late that a client has no patience left.
    const isPatient =
      kind === "async" && facts.faultsDuring("any", sentAt - healedAfterMs, endedAt).length === 0;
    return isPatient
      ? violation(`the async call ${call} was told nothing in ${endedAt - sentAt} ms, and nothing was broken`)
      : explained("its client went away");
  }
  return facts.faultsDuring(["runtime"], sentAt - slackMs, endedAt + slackMs).length > 0
    ? explained("a connection was broken by the runtime's death or pause")
    : violation(`the ${kind} call ${call} broke off, and the runtime ran: ${cause}`);
}

/** Held against the records: a refusal that was none, and a deadline that was not there yet. */
function* untrue(facts: Facts, one: TryLine, { code, correlationId }: ResponseSeen): Generator<Finding> {
  const { kind, call, key, asked, endedAt } = one;
  const records = facts.requestsOf(correlationId ?? "");
  const [record] = records;
  if (record === undefined) return;
  // The next attempt may have begun meanwhile, and the one that is over may never have been written.
  const known = records.filter(({ createdAt }) => kind === "plain" || createdAt < endedAt - nextAttemptMs);
  const isEarly = known.length > 0 && known.every(({ deadlineAt }) => deadlineAt > endedAt + earlyMs);
  if (code === "deadline_exceeded" && isEarly) {
    yield violation(`the ${kind} call ${call} was over before its deadline`);
  }
  // With a key there may be a record of an earlier attempt.
  if (key !== undefined || asked !== "service") return;
  if (notHandedOver.has(code ?? "")) {
    yield violation(`the ${kind} call ${call} was refused with ${code}, and handed over`);
  } else if (code === "produce_refused") {
    yield facts.faultsDuring(["broker", "bridge"], one.sentAt - healedAfterMs, record.timestamp).length > 0
      ? explained("refused, and written: a broken connection held the record (the gap of guarantee 7)")
      : violation(`the ${kind} call ${call} was refused, and handed over`);
  }
}

function wrongIn(
  { kind, asked }: TryLine,
  { status, code, body, location }: ResponseSeen,
): string | undefined {
  const said = code === undefined ? String(status) : `${status} ${code}`;
  const allowed = asked === "service" ? allowedAtService[kind] : allowedAtLocation;
  if (!allowed.includes(said)) return said;
  if (status === 200 && readReplyBody(body ?? "") === undefined) return `200 with ${body ?? "no body"}`;
  if (status === 504 && asked === "service" && kind === "keyed" && location === null) {
    return "504 without a Location, though it is kept";
  }
  return undefined;
}
