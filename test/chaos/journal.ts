// What a chaos run writes down, and all that its checker is told: files of a run's folder, one JSON object a line. Types
// only. Instants are epoch ms on the one clock of the machine that runs it.

/** `run.json`: what was asked for. */
export interface RunFile {
  readonly seed: number;
  readonly minutes: number;
  /** Where a native client finds the topics. */
  readonly brokers: string;
  readonly requestTopic: string;
  readonly replyTopic: string;
  /** In ms, from the beginning of an exchange to its deadline. */
  readonly waitsMs: Readonly<Record<CallKind, number>>;
  /** Of a durable exchange: after its deadline it is kept for so long, and after that nothing is left of it. */
  readonly retentionMs: number;
  /** Name of the deliberately broken gateway; absent: the one that ships. */
  readonly broken?: string;
  readonly commit: string;
}

/** Plain: no key, waits. Keyed: `Idempotency-Key`, waits. Async: `Prefer: respond-async`, comes back by `Location`. */
export type CallKind = "plain" | "keyed" | "async";

/**
 * `clients.jsonl`: one line each time that a client is done with one HTTP request. A *call* is what a user wants once;
 * its tries are the HTTP requests made for it.
 */
export interface TryLine {
  /** Unique in the run; the body of every try says it, and so does every right answer. */
  readonly call: string;
  readonly kind: CallKind;
  readonly principal: string;
  /** Of a keyed call. Two principals use the same texts. */
  readonly key?: string;
  /** What was asked: the service, the `Location`, or, to see that it is refused, the `Location` of somebody else. */
  readonly asked: "service" | "location" | "location of another";
  readonly sentAt: number;
  readonly endedAt: number;
  readonly outcome:
    | { readonly type: "response"; readonly response: ResponseSeen }
    /** No response, or one that broke off. */
    | { readonly type: "broken"; readonly cause: string };
}

export interface ResponseSeen {
  readonly status: number;
  readonly correlationId: string | null;
  readonly location: string | null;
  /** Of a problem+json. */
  readonly code?: string;
  /** The body, of a 200. */
  readonly body?: string;
}

/** A reply's body, in the topic and in every right answer. Fresh each time that the responder works. */
export interface ReplyBody {
  readonly call: string;
  readonly principal: string;
  readonly nonce: string;
}

/** `calls.jsonl`: how a client's call ended for it. `gave-up`: the run was over. */
export interface CallLine {
  readonly call: string;
  readonly kind: CallKind;
  readonly principal: string;
  readonly ended: "answered" | "refused" | "gave-up";
}

export const targets = ["bridge", "responder", "broker", "runtime"] as const;
export type Target = (typeof targets)[number];

/** `faults.jsonl`: what was killed or stopped when, and when it was there again. */
export interface FaultLine {
  readonly target: Target;
  /** `kill`: -9, and started again. `pause`: stopped, and continued. */
  readonly fault: "kill" | "pause";
  readonly at: number;
  readonly backAt: number;
}

/** `resources.jsonl`: every few seconds, of each process. */
export interface ResourceLine {
  readonly at: number;
  readonly process: string;
  readonly rssMiB: number;
  readonly openFiles: number;
}

/** `end.json`: what is left when all retention is over. */
export interface EndFile {
  /** As the gateway says it (`GET /_hearback/ledger`). */
  readonly ledger: unknown;
  /** Counted in the waiters' files on disk, not asked of the gateway. */
  readonly rows: number;
  readonly alarms: number;
  /** Lines that gateway and runtime wrote as errors. */
  readonly errors: readonly string[];
}
