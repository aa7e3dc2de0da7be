// What becomes of one request: skipped, taken back, handed to the handler and answered, or kept as a dead letter.
// Which requests there are, and when one is finished with, is responder.ts.

import {
  decodeReplyAddress,
  encodeDeadLetter,
  encodeReply,
  isExpired,
  readHeader,
  recordHeaders,
  validate,
  type DeadLetterReason,
  type KafkaRecord,
  type Reply,
  type ReplyAddress,
} from "../protocol/index.ts";
import { checkAddress, type AddressVerdict } from "./address.ts";
import { ClockWatch, endOfHandling } from "./clock.ts";
import { comparableKey } from "./comparable-key.ts";
import { createExchange, type Exchange } from "./exchange.ts";
import type { ResponderKafka } from "./kafka.ts";
import { ownReplies, toMessage, UnreadableBody, unreadableReply, type RequestMessage } from "./message.ts";
import type { RecordPlace, Settled } from "./options.ts";
import { createPartitionCounts } from "./partition-counts.ts";
import { send, type SenderOptions } from "./sender.ts";
import type { Fate, Tally } from "./tally.ts";
import { invalidReply } from "./validation.ts";

export interface Answerer {
  /** A request is here that may have to wait for its turn; from now on it can be taken back. */
  expect(record: KafkaRecord): void;
  /** Once for each request expected. Never rejects for what a handler or Kafka does. */
  answer(record: KafkaRecord, receivedAt: number): Promise<Fate>;
  /** Takes back a request of the same topic, key and ID that waits or is being handled; of others nothing is known. */
  cancel(record: KafkaRecord): void;
}

export interface AnswererParts<Input> {
  readonly kafka: ResponderKafka;
  readonly settled: Settled<Input>;
  readonly tally: Tally;
  /** Aborted when nothing is to be tried again. */
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** How long after the deadline it is tried to send a reply, and how long one without. */
const replyGraceMs = 30_000;
/** A dead letter can wait less: the request stays where it is, and its place is told. */
const deadLetterMs = 10_000;
/** While nobody can say whether an address is good. */
const askAgainMs = 250;

export function createAnswerer<Input>({
  kafka,
  settled,
  tally,
  signal,
  now = Date.now,
}: AnswererParts<Input>): Answerer {
  const { name, handler, input: schema, order, topics, clockSkewMs, onEvent } = settled;
  const clock = new ClockWatch((message) => onEvent({ type: "clock", message }));
  const expected = new Map<string, Set<KafkaRecord>>();
  const exchanges = new Map<string, Set<Exchange>>();
  const sender: SenderOptions = {
    produce: (record) => kafka.produce(record),
    onRetry: () => tally.retried(),
    now,
    signal,
  };
  const counts = createPartitionCounts((topic, maxAgeMs) => kafka.partitionCount(topic, maxAgeMs));
  const replyTopics = {
    allowed: settled.replyTopics,
    forbidden: new Set([...topics, ...topics.map(settled.deadLetterTopicOf)]),
  };

  async function bury(record: KafkaRecord, reason: DeadLetterReason): Promise<Fate> {
    const place = placeOf(record);
    onEvent({ type: "dead-letter", reason, ...place });
    const topic = settled.deadLetterTopicOf(record.topic);
    const letter = (withValue: boolean) =>
      encodeDeadLetter(topic, record, reason, { responder: name, withValue });
    const until = now() + deadLetterMs;
    const sent = await send(sender, letter(true), until);
    const short = sent.status === "refused" ? await send(sender, letter(false), until) : sent;
    if (short.status === "appended") return "deadLettered";
    onEvent({ type: "unsent", reason: short.reason, ...place });
    return "unsent";
  }

  /** Asks again while nobody can say, as long as somebody waits. */
  async function verdictOn(address: ReplyAddress, until: number): Promise<AddressVerdict> {
    for (;;) {
      const verdict = await checkAddress(address, replyTopics, counts);
      if (verdict.status !== "unknown" || now() + askAgainMs >= until || signal.aborted) return verdict;
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
  }

  /** Hands the request over and takes what comes back. Resolves when the whole answer is sent, or will not be. */
  async function handle(record: KafkaRecord, address: ReplyAddress, exchange: Exchange): Promise<Fate> {
    try {
      const message = toMessage(record, address);
      const read = await readInput(message);
      if ("refused" in read) await exchange.finishWith(read.refused);
      else await exchange.finish((await handler(read.message, exchange.context)) ?? undefined);
      return "replied";
    } catch (cause) {
      if (cause instanceof UnreadableBody && !exchange.isAnswered) {
        await exchange.finishWith(unreadableReply(cause));
        return "replied";
      }
      // A handler that heeds its signal has done what it should, and nobody waits for an error.
      if (exchange.ended !== undefined && !exchange.isAnswered) {
        return exchange.ended === "cancelled" ? "cancelled" : "expired";
      }
      onEvent({ type: "handler-failed", correlationId: address.correlationId, cause });
      await exchange.finishWith(ownReplies.handlerFailed);
      return "failed";
    }
  }

  async function readInput(
    message: RequestMessage<undefined>,
  ): Promise<{ readonly message: RequestMessage<Input> } | { readonly refused: Reply }> {
    // Without a schema the type of the input is undefined, as it is here.
    if (schema === undefined) return { message: message as unknown as RequestMessage<Input> };
    const read = await validate(schema, message.json());
    if (read.ok) return { message: { ...message, input: read.value } };
    return { refused: invalidReply(message.correlationId, read.issues) };
  }

  async function exchangeOf(
    record: KafkaRecord,
    address: ReplyAddress,
    receivedAt: number,
    until: number,
  ): Promise<Fate> {
    const { correlationId } = address;
    const exchange = createExchange(
      { deadlineAt: address.deadlineAt, endsAt: endOfHandling(address, receivedAt, clockSkewMs) },
      record.headers,
      (part) =>
        send(
          sender,
          encodeReply(address, record.headers, { ...part, responder: name, receivedAt, repliedAt: now() }),
          until,
        ),
      { now, onMisuse: (cause) => onEvent({ type: "handler-failed", correlationId, cause }) },
    );
    const id = idOf(record);
    addTo(exchanges, id, exchange);
    try {
      const fate = await handle(record, address, exchange);
      const { unsent } = exchange;
      if (unsent === undefined) return exchange.isCancelled ? "cancelled" : fate;
      if (unsent.status === "refused") return await bury(record, "reply_refused");
      onEvent({ type: "unsent", reason: unsent.reason, ...placeOf(record) });
      return unsent.status === "substituted" ? "failed" : "unsent";
    } finally {
      exchange.close();
      takeFrom(exchanges, id, exchange);
    }
  }

  return {
    expect(record) {
      // Without an order nobody waits: the answer begins in the same moment.
      if (order === "key") addTo(expected, idOf(record), record);
    },

    async answer(record, receivedAt) {
      if (order === "key" && !takeFrom(expected, idOf(record), record)) return "cancelled";
      const address = decodeReplyAddress(record.headers);
      if (typeof address === "string") return bury(record, address);
      clock.read(address, receivedAt);
      if (isExpired(address, now(), clockSkewMs)) {
        clock.skipped(now() - (address.deadlineAt ?? 0), now());
        return "skipped";
      }
      clock.taken();
      // Whoever writes requests may say anything of how long replies are of use; lanes are not theirs to hold.
      const { deadlineAt = now(), keepUntil = deadlineAt + replyGraceMs } = address;
      const until = Math.min(keepUntil + clockSkewMs, Math.max(deadlineAt, now()) + replyGraceMs);
      const verdict = await verdictOn(address, until);
      if (verdict.status === "unusable") return bury(record, verdict.reason);
      if (verdict.status === "usable") return exchangeOf(record, address, receivedAt, until);
      onEvent({ type: "unsent", reason: "Kafka cannot be asked about the reply topic", ...placeOf(record) });
      return "unsent";
    },

    cancel(record) {
      if (readHeader(record.headers, recordHeaders.correlationId) === undefined) return;
      const id = idOf(record);
      expected.delete(id);
      for (const exchange of exchanges.get(id) ?? []) exchange.cancel();
    },
  };
}

/** Several records may carry one ID. */
function addTo<Each>(all: Map<string, Set<Each>>, id: string, each: Each): void {
  all.set(id, (all.get(id) ?? new Set()).add(each));
}

/** False when it is not there any more. */
function takeFrom<Each>(all: Map<string, Set<Each>>, id: string, each: Each): boolean {
  const same = all.get(id);
  const was = same?.delete(each) ?? false;
  if (same?.size === 0) all.delete(id);
  return was;
}

/** Of a request and of the record that takes it back: callers of their own may use an ID that others use, too. */
function idOf({ topic, key, headers }: KafkaRecord): string {
  const id = readHeader(headers, recordHeaders.correlationId) ?? "";
  return `${topic}/${key === null ? "" : comparableKey(key)}/${id}`;
}

function placeOf({ topic, partition, offset, headers }: KafkaRecord): RecordPlace {
  const correlationId = readHeader(headers, recordHeaders.correlationId);
  return { topic, partition, offset, ...(correlationId === undefined ? {} : { correlationId }) };
}
