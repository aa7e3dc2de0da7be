// What becomes of one request: skipped, taken back, handed to the handler and answered, or kept as a dead letter.
// Which requests there are, and when one is finished with, is responder.ts.

import {
  decodeReplyAddress,
  encodeDeadLetter,
  encodeReply,
  isExpired,
  readHeader,
  recordHeaders,
  type DeadLetterReason,
  type KafkaRecord,
  type Reply,
  type ReplyAddress,
} from "../protocol/index.ts";
import { checkAddress, type AddressVerdict } from "./address.ts";
import { createExchange, type Exchange, type ReplyPart } from "./exchange.ts";
import type { ResponderKafka } from "./kafka.ts";
import { ownReplies, toMessage, UnreadableBody, unreadableReply, type RequestMessage } from "./message.ts";
import type { RecordPlace, Settled } from "./options.ts";
import { send, type SenderOptions, type Sent } from "./sender.ts";
import type { Fate, Tally } from "./tally.ts";
import { invalidReply, validate } from "./validation.ts";

export interface Answerer {
  /** A request is here that may have to wait for its turn; from now on it can be taken back. */
  expect(record: KafkaRecord): void;
  /** Once for each request expected. Never rejects for what a handler or Kafka does. */
  answer(record: KafkaRecord, receivedAt: number): Promise<Fate>;
  /** Takes back a request that waits or is being handled; of one that is not here nothing is known. */
  cancel(correlationId: string): void;
}

/** How long it is tried to send what has no deadline, and dead letters. */
const unboundedMs = 30_000;
/** While nobody can say whether an address is good. */
const askAgainMs = 250;

export function createAnswerer<Input>(
  kafka: ResponderKafka,
  settled: Settled<Input>,
  tally: Tally,
  now: () => number = Date.now,
): Answerer {
  const { name, handler, input: schema, topics, onEvent } = settled;
  const expected = new Map<string, Set<KafkaRecord>>();
  const exchanges = new Map<string, Set<Exchange>>();
  const sender: SenderOptions = {
    produce: (record) => kafka.produce(record),
    onRetry: () => tally.retried(),
    now,
  };
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
    const until = now() + unboundedMs;
    const sent = await send(sender, letter(true), until);
    const short = sent.status === "refused" ? await send(sender, letter(false), until) : sent;
    if (short.status === "appended") return "deadLettered";
    onEvent({ type: "unsent", reason: short.reason, ...place });
    return "unsent";
  }

  /** Asks again while nobody can say, as long as somebody waits. */
  async function verdictOn(address: ReplyAddress, until: number): Promise<AddressVerdict> {
    for (;;) {
      const verdict = await checkAddress(address, replyTopics, (topic, maxAgeMs) =>
        kafka.partitionCount(topic, maxAgeMs),
      );
      if (verdict.status !== "unknown" || now() + askAgainMs >= until) return verdict;
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
      if (cause instanceof UnreadableBody) {
        await exchange.finishWith(unreadableReply(cause));
        return "replied";
      }
      // Whoever took it back knows; a handler that ends itself then has done what it should.
      if (exchange.isCancelled) return "cancelled";
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
    if (read.ok) return { message: { ...message, input: read.input } };
    return { refused: invalidReply(message.correlationId, read.issues) };
  }

  async function exchangeOf(
    record: KafkaRecord,
    address: ReplyAddress,
    receivedAt: number,
    until: number,
  ): Promise<Fate> {
    let lost: Exclude<Sent, { status: "appended" }> | undefined;
    const sendOne = (part: ReplyPart): Promise<Sent> =>
      send(
        sender,
        encodeReply(address, record.headers, { ...part, responder: name, receivedAt, repliedAt: now() }),
        until,
      );
    const exchange = createExchange(
      address,
      record.headers,
      async (part) => {
        if (exchange.isCancelled) return;
        let sent = await sendOne(part);
        // A reply that Kafka will not take, too large perhaps, must not leave its caller waiting.
        if (sent.status === "refused") {
          const { sequence, isLast } = part;
          sent = await sendOne({
            ...ownReplies.replyRefused,
            sequence,
            ...(isLast === undefined ? {} : { isLast: true }),
          });
        }
        if (sent.status !== "appended") lost ??= sent;
      },
      now,
    );
    addTo(exchanges, address.correlationId, exchange);
    try {
      const fate = await handle(record, address, exchange);
      if (exchange.isCancelled) return "cancelled";
      if (lost === undefined) return fate;
      if (lost.status === "refused") return await bury(record, "reply_refused");
      onEvent({ type: "unsent", reason: lost.reason, ...placeOf(record) });
      return "unsent";
    } finally {
      exchange.close();
      takeFrom(exchanges, address.correlationId, exchange);
    }
  }

  return {
    expect: (record) => addTo(expected, idOf(record), record),

    async answer(record, receivedAt) {
      if (!takeFrom(expected, idOf(record), record)) return "cancelled";
      const address = decodeReplyAddress(record.headers);
      if (typeof address === "string") return bury(record, address);
      if (isExpired(address, now())) return "skipped";
      const until = address.keepUntil ?? address.deadlineAt ?? now() + unboundedMs;
      const verdict = await verdictOn(address, until);
      if (verdict.status === "unusable") return bury(record, verdict.reason);
      if (verdict.status === "usable") return exchangeOf(record, address, receivedAt, until);
      onEvent({ type: "unsent", reason: "Kafka cannot be asked about the reply topic", ...placeOf(record) });
      return "unsent";
    },

    cancel(correlationId) {
      expected.delete(correlationId);
      for (const exchange of exchanges.get(correlationId) ?? []) exchange.cancel();
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
  if (same?.size === 1) all.delete(id);
  return same?.delete(each) ?? false;
}

function idOf({ headers }: KafkaRecord): string {
  return readHeader(headers, recordHeaders.correlationId) ?? "";
}

function placeOf({ topic, partition, offset, headers }: KafkaRecord): RecordPlace {
  const correlationId = readHeader(headers, recordHeaders.correlationId);
  return { topic, partition, offset, ...(correlationId === undefined ? {} : { correlationId }) };
}
