// What the cluster's errors mean here: one table for a refused append, and the few that a reader must tell apart.

import { AuthenticationError, ResponseError } from "@platformatic/kafka";
import { LogUnavailable, type LogPosition, type Refused, lastingRetryAfter } from "../log/index.ts";

/** What is read here of the client's answer to a produce. */
interface ProduceResponse {
  readonly responses: readonly {
    readonly partitionResponses?: readonly { readonly baseOffset: bigint }[];
  }[];
}

/** Seconds after which a cluster that is out of reach is worth another try. */
export const clusterRetryAfter = 1;

/**
 * Errors after which it is certain that nothing was appended, unless the answer names an offset. All others
 * leave that open: a request that timed out, or a connection that broke, may have been written.
 * https://kafka.apache.org/43/design/protocol/#error-codes
 */
const notAppended: Readonly<Record<string, Refused["why"]>> = {
  MESSAGE_TOO_LARGE: "too-large",
  RECORD_LIST_TOO_LARGE: "too-large",
  INVALID_TOPIC_EXCEPTION: "invalid",
  INVALID_RECORD: "invalid",
  INVALID_TIMESTAMP: "invalid",
  CORRUPT_MESSAGE: "invalid",
  POLICY_VIOLATION: "invalid",
  TOPIC_AUTHORIZATION_FAILED: "forbidden",
  CLUSTER_AUTHORIZATION_FAILED: "forbidden",
  UNKNOWN_TOPIC_OR_PARTITION: "unavailable",
  UNKNOWN_TOPIC_ID: "unavailable",
  LEADER_NOT_AVAILABLE: "unavailable",
  NOT_LEADER_OR_FOLLOWER: "unavailable",
  NOT_ENOUGH_REPLICAS: "unavailable",
  KAFKA_STORAGE_ERROR: "unavailable",
  THROTTLING_QUOTA_EXCEEDED: "unavailable",
};

/** Errors of the protocol that `cause` carries, however deep, by their names in Kafka's own table. */
export function errorNames(cause: unknown): readonly string[] {
  if (!(cause instanceof Error)) return [];
  const own = "apiId" in cause && typeof cause.apiId === "string" ? [cause.apiId] : [];
  const nested = cause instanceof AggregateError ? cause.errors.flatMap(errorNames) : [];
  return [...own, ...nested, ...errorNames(cause.cause)];
}

/**
 * Where the leader wrote the batch that it then answered with an error. The same codes come before a write and
 * after one that was not confirmed, as when the leader changes meanwhile: only the offset tells them apart.
 */
export function writtenAt(cause: unknown): number | undefined {
  const answers = chainOf(cause).flatMap((each) =>
    each instanceof ResponseError ? [each["response"] as Partial<ProduceResponse>] : [],
  );
  const offsets = answers.flatMap(({ responses = [] }) =>
    responses.flatMap(({ partitionResponses = [] }) =>
      partitionResponses.map(({ baseOffset }) => baseOffset),
    ),
  );
  const written = offsets.find((offset) => offset >= 0n);
  return written === undefined ? undefined : Number(written);
}

/** Undefined when the records may have been appended. */
export function refusalOfAppend(cause: unknown): Refused | undefined {
  if (writtenAt(cause) !== undefined) return undefined;
  const names = errorNames(cause);
  const known = names.find((name) => notAppended[name] !== undefined);
  // Only if every error says so: one of several that is unknown leaves it open.
  const why =
    known === undefined || names.some((name) => notAppended[name] === undefined)
      ? undefined
      : notAppended[known];
  if (why === undefined || known === undefined) return undefined;
  return {
    refused: `the cluster refused the record: ${known}`,
    why,
    retryAfter: why === "unavailable" ? clusterRetryAfter : lastingRetryAfter,
  };
}

/** For answers that cannot be given without the cluster. `unsettled`: of a produce that may have been written. */
export function unavailable(cause: unknown, unsettled: readonly LogPosition[] = []): LogUnavailable {
  return new LogUnavailable(`the Kafka cluster cannot be asked: ${messageOf(cause)}`, {
    cause,
    retryAfter: clusterRetryAfter,
    unsettled,
  });
}

/** What an operator may have to change when a connection fails with these words, which do not say it. */
const hints: readonly (readonly [message: RegExp, hint: string])[] = [
  [/^Connection closed/, "the broker went away, or it asks for SASL or a client certificate"],
  [/current SASL state/, "is this a listener without SASL?"],
  [/before secure TLS connection/, "is this a listener without TLS?"],
];

/**
 * The innermost message, which names the reason; the outer ones name the client's own steps. For people: with a
 * hint where it alone would puzzle them.
 */
export function messageOf(cause: unknown): string {
  const chain = chainOf(cause);
  const innermost = chain.at(-1);
  if (!(innermost instanceof Error)) return String(innermost);
  const own = innermost.message || innermost.name;
  const hint = hints.find(([message]) => message.test(own))?.[1];
  const message = hint === undefined ? own : `${own} (${hint})`;
  if (!chain.some((each) => each instanceof AuthenticationError)) return message;
  const answer = chain.map(brokersAnswer).find((each) => each !== undefined);
  return `SASL authentication failed: ${answer ?? message}`;
}

/** From the outermost to the innermost; of several at once the first. */
function chainOf(cause: unknown): readonly unknown[] {
  if (!(cause instanceof Error)) return [cause];
  const next: unknown = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  return next === undefined ? [cause] : [cause, ...chainOf(next)];
}

function brokersAnswer(cause: unknown): string | undefined {
  if (!(cause instanceof ResponseError)) return undefined;
  const { errorMessage } = cause["response"] as { readonly errorMessage?: string | null };
  return errorMessage || undefined;
}

export function isUnknownTopic(cause: unknown): boolean {
  return (
    errorNames(cause).some((name) => name.startsWith("UNKNOWN_TOPIC")) ||
    /Unknown topic/.test(messageOf(cause))
  );
}
