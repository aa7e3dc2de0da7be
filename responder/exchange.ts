// One request in a handler's hands: its context, and the reply it gives, whole or in parts. What a reply becomes
// on the wire is protocol/reply.ts; getting it there is sender.ts.

import type { RecordHeader, Reply } from "../protocol/index.ts";
import { ownReplies, toReply, type HandlerReply } from "./message.ts";
import type { Sent } from "./sender.ts";

/** Why `signal` was aborted: its `reason`. */
export class RequestEnded extends Error {
  override readonly name = "RequestEnded";
  readonly why: "deadline" | "cancelled";

  constructor(why: "deadline" | "cancelled") {
    super(why === "deadline" ? "the deadline of the request has passed" : "the request was cancelled");
    this.why = why;
  }
}

export interface ResponderContext {
  /** Epoch ms after which nobody waits; undefined when the request never expires. */
  readonly deadlineAt: number | undefined;
  /** Fires when the deadline has passed, or the request is taken back, with a `RequestEnded`. */
  readonly signal: AbortSignal;
  /** The record headers as they are, in order. */
  readonly headers: readonly RecordHeader[];
  /**
   * Answers now; what the handler still does comes after. Resolves when Kafka has the reply, and rejects when it will
   * not. A second answer, or one in parts besides, rejects with a TypeError.
   */
  reply(reply: HandlerReply): Promise<void>;
  /** A part of the answer, in order. The first one may say status and content type. Resolves when Kafka has it. */
  write(chunk: string | Uint8Array, head?: Pick<HandlerReply, "status" | "contentType">): Promise<void>;
  /** The last part; without it a handler that has written ends its answer with an empty one. */
  end(chunk?: string | Uint8Array): Promise<void>;
  /** An error to return: `return context.fail(404, "basket_unknown", "There is no such basket")`. */
  fail(status: number, code: string, message?: string): HandlerReply;
}

/** One record to send: a whole reply, or a part of one. */
export interface ReplyPart extends Reply {
  readonly sequence: number;
  /** Absent for a whole reply. */
  readonly isLast?: boolean;
}

export interface Exchange {
  readonly context: ResponderContext;
  /** Why its handler should end, if it should. */
  readonly ended: RequestEnded["why"] | undefined;
  /** Taken back before the answer was out. */
  readonly isCancelled: boolean;
  /** What could not be sent, if anything could not. */
  readonly unsent: Exclude<Sent, { status: "appended" }> | undefined;
  /** Whether the answer is out, whole or up to its last part, or will never be. */
  readonly isAnswered: boolean;
  /**
   * What the handler returned, if it has not answered already. Ends an answer in parts that is not ended. Resolves
   * when all that was said is sent. Throws a TypeError for an answer that makes no sense.
   */
  finish(returned: HandlerReply | undefined): Promise<void>;
  /** In place of what the handler failed to give; in the middle of parts it is the last one. Resolves likewise. */
  finishWith(reply: Reply): Promise<void>;
  /** Aborts the context's signal; nothing is sent from now on. A second call does nothing. */
  cancel(): void;
  /** Ends the timer of the deadline. What a handler still says is an error of its own. */
  close(): void;
}

/** What a handler is told of a reply that Kafka did not take. */
class ReplyNotSent extends Error {
  override readonly name = "ReplyNotSent";
}

/** Longest delay of a timer; beyond it, it would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** When a request ends: for those who ask, and, by the clock of this machine, for its handler. Epoch ms. */
interface Ends {
  readonly deadlineAt: number | undefined;
  readonly endsAt: number | undefined;
}

/** `onMisuse` is told of a second answer, or of one after the handler has returned. */
export function createExchange(
  { deadlineAt, endsAt }: Ends,
  headers: readonly RecordHeader[],
  send: (part: ReplyPart) => Promise<Sent>,
  { now, onMisuse }: { readonly now: () => number; readonly onMisuse: (cause: unknown) => void },
): Exchange {
  const abort = new AbortController();
  let why: RequestEnded["why"] | undefined;
  const end = (reason: RequestEnded["why"]): void => {
    why ??= reason;
    abort.abort(new RequestEnded(reason));
  };
  const timer =
    endsAt === undefined
      ? undefined
      : setTimeout(() => end("deadline"), Math.min(Math.max(0, endsAt - now()), longestTimerMs));
  let form: "none" | "parts" | "answered" | "closed" = "none";
  let sequence = 0;
  let isCancelled = false;
  let unsent: Exclude<Sent, { status: "appended" }> | undefined;
  /** Parts go out one after the other, each when Kafka has the one before. */
  let last: Promise<void> = Promise.resolve();

  async function sendInTurn(before: Promise<void>, part: ReplyPart): Promise<void> {
    await before;
    if (why === "cancelled") isCancelled = true;
    if (isCancelled || unsent !== undefined) return;
    const sent = await send(part);
    if (sent.status === "appended") return;
    unsent = sent;
    // A reply that Kafka will not take, too large perhaps, must not leave its caller waiting.
    if (sent.status !== "refused") return;
    const { sequence: same, isLast } = part;
    const standIn = {
      ...ownReplies.replyRefused,
      sequence: same,
      ...(isLast === undefined ? {} : { isLast: true }),
    };
    const substituted = await send(standIn);
    unsent = substituted.status === "appended" ? { ...sent, status: "substituted" } : substituted;
    form = form === "closed" ? "closed" : "answered";
  }

  /** `isLast` undefined: the reply is whole. */
  function say(reply: Reply, isLast?: boolean): Promise<void> {
    if (form === "answered" || form === "closed" || (isLast === undefined && form !== "none")) {
      throw new TypeError("the request is answered already");
    }
    form = isLast === false ? "parts" : "answered";
    last = sendInTurn(last, { ...reply, sequence: sequence++, ...(isLast === undefined ? {} : { isLast }) });
    return last;
  }

  /** For handlers: what they do not wait for must not end the process when it fails. */
  function said(reply: () => Reply, isLast?: boolean): Promise<void> {
    const saying = (async () => {
      try {
        await say(reply(), isLast);
      } catch (cause) {
        onMisuse(cause);
        throw cause;
      }
      if (unsent !== undefined) throw new ReplyNotSent(unsent.reason);
    })();
    saying.catch(() => {});
    return saying;
  }

  const partOf = (chunk: string | Uint8Array | undefined, head: HandlerReply = {}): Reply =>
    toReply({ ...head, body: chunk ?? "" });

  return {
    context: {
      deadlineAt,
      signal: abort.signal,
      headers,
      reply: (reply) => said(() => toReply(reply)),
      write: (chunk, head) => said(() => partOf(chunk, head), false),
      end: (chunk) => said(() => partOf(chunk), true),
      fail: (status, code, message) => ({
        status,
        error: code,
        ...(message === undefined ? {} : { body: message }),
      }),
    },

    get ended() {
      return why;
    },
    get isCancelled() {
      return isCancelled;
    },
    get unsent() {
      return unsent;
    },
    get isAnswered() {
      return form === "answered" || form === "closed";
    },

    async finish(returned) {
      if (form === "none") await say(returned === undefined ? silentReply : toReply(returned));
      else if (returned !== undefined) throw new TypeError("the request is answered already");
      else if (form === "parts") await say(partOf(undefined), true);
      await last;
    },

    async finishWith(reply) {
      if (form === "none") await say(reply);
      else if (form === "parts") await say(reply, true);
      await last;
    },

    cancel() {
      if (form === "none" || form === "parts") isCancelled = true;
      end("cancelled");
    },

    close() {
      clearTimeout(timer);
      form = "closed";
    },
  };
}

/** A handler that returns nothing has answered, too: it is done. */
const silentReply: Reply = { status: 204, body: new Uint8Array() };
