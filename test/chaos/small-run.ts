// A small run in which all is as it should be, for tests of the rules: three calls of two principals, one of each kind,
// their records, answers and books. A test changes one thing and sees which rule says so.

import type { FaultLine, ResponseSeen, TryLine } from "./journal.ts";
import type { Material } from "./checker/facts.ts";
import type { ReplyRecord, RequestRecord } from "./checker/records.ts";

/** All instants are relative to this one, epoch ms. */
export const begin = 1_800_000_000_000;

/** What a test changes: arrays are those of the run itself. */
export interface SmallRun extends Omit<Material, "end"> {
  readonly tries: TryLine[];
  readonly calls: Material["calls"][number][];
  readonly faults: FaultLine[];
  readonly requests: RequestRecord[];
  readonly replies: ReplyRecord[];
  readonly unreadable: string[];
  readonly end: { ledger: unknown; rows: number; alarms: number; readonly errors: string[] };
}

/** In partition 0 of the topic, at `offset`; `atMs` after `begin`, kept for a minute. */
export function replyOf(
  call: string,
  principal: string,
  { offset, atMs = 1_000, nonce = "first" }: { offset: number; atMs?: number; nonce?: string },
): ReplyRecord {
  return {
    partition: 0,
    offset,
    timestamp: begin + atMs,
    correlationId: `id-of-${call}`,
    keepUntil: begin + 65_000,
    body: JSON.stringify({ call, principal, nonce }),
  };
}

/** The attempt that begins `atMs` after `begin`, with 45 s for its service and 20 s of retention. */
export function requestOf(
  call: string,
  { offset, atMs = 0, attempt = begin + atMs }: { offset: number; atMs?: number; attempt?: number },
): RequestRecord {
  return {
    partition: 0,
    offset,
    timestamp: begin + atMs + 10,
    correlationId: `id-of-${call}`,
    produceId: `id-of-${call}:${attempt}`,
    attempt,
    createdAt: begin + atMs,
    deadlineAt: begin + atMs + 45_000,
    keepUntil: begin + atMs + 65_000,
    call,
  };
}

export function answered(call: string, principal: string, nonce = "first"): TryLine["outcome"] {
  return seen(call, { status: 200, body: JSON.stringify({ call, principal, nonce }) });
}

export function seen(call: string, response: Partial<ResponseSeen>): TryLine["outcome"] {
  return {
    type: "response",
    response: { status: 200, correlationId: `id-of-${call}`, location: null, ...response },
  };
}

/** That lasts for 3 s. */
export function fault(target: FaultLine["target"], kind: FaultLine["fault"], atMs: number): FaultLine {
  return { target, fault: kind, at: begin + atMs, backAt: begin + atMs + 3_000 };
}

const plain = { call: "plain", kind: "plain", principal: "acme" } as const;
const keyed = { call: "keyed", kind: "keyed", principal: "acme", key: "key-1" } as const;
const async = { call: "async", kind: "async", principal: "globex" } as const;
const took = { sentAt: begin, endedAt: begin + 1_200 };
const later = { sentAt: begin + 2_000, endedAt: begin + 2_200 };

export function smallRun(): SmallRun {
  return {
    run: {
      seed: 1,
      minutes: 1,
      brokers: "nowhere:1",
      requestTopic: "requests",
      replyTopic: "replies",
      waitsMs: { plain: 45_000, keyed: 45_000, async: 45_000 },
      retentionMs: 20_000,
      commit: "none",
    },
    tries: [
      { ...plain, ...took, asked: "service", outcome: answered("plain", "acme") },
      { ...keyed, ...took, asked: "service", outcome: answered("keyed", "acme") },
      { ...keyed, ...later, asked: "service", outcome: answered("keyed", "acme") },
      {
        ...async,
        ...took,
        asked: "service",
        outcome: seen("async", { status: 202, location: "/requests/id-of-async" }),
      },
      { ...async, ...later, asked: "location", outcome: answered("async", "globex") },
      {
        ...async,
        ...later,
        principal: "acme",
        asked: "location of another",
        outcome: seen("nothing", { status: 404, code: "request_unknown" }),
      },
    ],
    calls: [
      { ...plain, ended: "answered" },
      { call: "keyed", kind: "keyed", principal: "acme", ended: "answered" },
      { ...async, ended: "answered" },
    ],
    faults: [],
    requests: [
      {
        ...requestOf("plain", { offset: 0 }),
        produceId: "id-of-plain:1",
        attempt: 1,
        keepUntil: begin + 45_000,
      },
      requestOf("keyed", { offset: 1 }),
      requestOf("async", { offset: 2 }),
    ],
    replies: [
      replyOf("plain", "acme", { offset: 0 }),
      replyOf("keyed", "acme", { offset: 1 }),
      replyOf("async", "globex", { offset: 2 }),
    ],
    replyEnds: [3],
    unreadable: [],
    end: { ledger: ledgerOf({}), rows: 0, alarms: 0, errors: [] },
  };
}

export function ledgerOf(
  book: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): unknown {
  const verdicts = { accepted: 3, duplicate: 0, undeliverable: 0 };
  const partition = { topic: "replies", partition: 0, offset: 3, read: 3, inFlight: 0, resets: 0, verdicts };
  return { balanced: true, deadLetters: 0, partitions: [{ ...partition, ...book }], ...more };
}

/** Another try of the keyed call, `atMs` after `begin`, by `by`. */
export function keyedTry(atMs: number, outcome: TryLine["outcome"], more: Partial<TryLine> = {}): TryLine {
  const sentAt = begin + atMs;
  return { ...keyed, asked: "service", sentAt, endedAt: sentAt + 100, outcome, ...more };
}
