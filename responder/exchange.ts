// One request in a handler's hands: its context, and the reply it gives, whole or in parts. What a reply becomes
// on the wire is protocol/reply.ts; getting it there is sender.ts.

import type { RecordHeader, Reply, ReplyAddress } from "../protocol/index.ts";
import { bytesOf, toReply, type HandlerReply } from "./message.ts";

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
  /** Fires at the deadline, or when the request is taken back, with a `RequestEnded`. */
  readonly signal: AbortSignal;
  /** The record headers as they are, in order. */
  readonly headers: readonly RecordHeader[];
  /**
   * Answers now; what the handler still does comes after. Resolves when Kafka has the reply. A second answer, or
   * one in parts besides, throws.
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
  readonly isCancelled: boolean;
  /** What the handler returned, if it has not answered already. Ends an answer in parts that is not ended. */
  finish(returned: HandlerReply | undefined): Promise<void>;
  /** In place of what the handler failed to give; in the middle of parts it is the last one. */
  finishWith(reply: Reply): Promise<void>;
  /** Aborts the context's signal. A second call does nothing. */
  cancel(): void;
  /** Ends the timer of the deadline. */
  close(): void;
}

/** Longest delay of a timer; beyond it, it would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export function createExchange(
  address: ReplyAddress,
  headers: readonly RecordHeader[],
  send: (part: ReplyPart) => Promise<void>,
  now: () => number,
): Exchange {
  const { deadlineAt } = address;
  const ended = new AbortController();
  const timer =
    deadlineAt === undefined
      ? undefined
      : setTimeout(
          () => ended.abort(new RequestEnded("deadline")),
          Math.min(Math.max(0, deadlineAt - now()), longestTimerMs),
        );
  let form: "none" | "whole" | "parts" | "ended" = "none";
  let sequence = 0;
  /** Parts go out one after the other, each when Kafka has the one before. */
  let last: Promise<void> = Promise.resolve();

  function sendWhole(reply: Reply): Promise<void> {
    if (form !== "none") throw new TypeError("the request was answered already");
    form = "whole";
    return send({ ...reply, sequence: 0 });
  }

  function sendPart(reply: Reply, isLast: boolean): Promise<void> {
    if (form === "whole" || form === "ended") throw new TypeError("the request was answered already");
    form = isLast ? "ended" : "parts";
    const part = { ...reply, sequence: sequence++, isLast };
    last = last.then(() => send(part));
    return last;
  }

  const partOf = (chunk: string | Uint8Array | undefined, head: HandlerReply = {}): Reply =>
    toReply({ ...head, body: bytesOf(chunk) });

  return {
    context: {
      deadlineAt,
      signal: ended.signal,
      headers,
      reply: async (reply) => sendWhole(toReply(reply)),
      write: async (chunk, head) => sendPart(partOf(chunk, head), false),
      end: async (chunk) => sendPart(partOf(chunk), true),
      fail: (status, code, message) => ({
        status,
        error: code,
        ...(message === undefined ? {} : { body: message }),
      }),
    },

    get isCancelled() {
      return (
        ended.signal.aborted &&
        ended.signal.reason instanceof RequestEnded &&
        ended.signal.reason.why === "cancelled"
      );
    },

    async finish(returned) {
      if (form === "none") await sendWhole(returned === undefined ? silentReply : toReply(returned));
      else if (returned !== undefined) throw new TypeError("the request was answered already");
      else if (form === "parts") await sendPart(partOf(undefined), true);
    },

    async finishWith(reply) {
      if (form === "none") await sendWhole(reply);
      else if (form === "parts") await sendPart(reply, true);
    },

    cancel: () => ended.abort(new RequestEnded("cancelled")),
    close: () => clearTimeout(timer),
  };
}

/** A handler that returns nothing has answered, too: it is done. */
const silentReply: Reply = { status: 204, body: new Uint8Array() };
