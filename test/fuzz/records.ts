// Request and reply records, and the books of what was read of them.

import * as fc from "fast-check";
import { everything, preview, show } from "../../consumer/dead-letter-view.ts";
import type { QueuedReply } from "../../consumer/delivery-queue.ts";
import { dispose } from "../../consumer/disposition.ts";
import { sumOfVerdicts } from "../../consumer/ledger.ts";
import { ReplyPartitions } from "../../consumer/partitions.ts";
import {
  correlationIdForm,
  decodeReply,
  decodeReplyAddress,
  deliverOutcomes,
  drainVerdicts,
  encodeReply,
  encodeRequest,
  encodeText,
  isContentType,
  isErrorCode,
  isOwnedRecordHeader,
  readHeader,
  recordHeaders,
  type KafkaRecord,
  type RecordHeader,
} from "../../protocol/index.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { bytes, equalBytes, holds, same, text } from "./words.ts";
import { hexId, idText } from "./ids.ts";

export const instant = fc.nat(4_000_000_000_000);
const envelope = fc.record({
  correlationId: hexId,
  replyTopic: fc.stringMatching(/^[a-z.]{1,20}$/),
  replyPartition: fc.nat(999),
  createdAt: instant,
  deadlineAt: instant,
  keepUntil: instant,
  attempt: fc.nat(),
  method: fc.constant("POST"),
  path: text,
  query: text,
  clientCorrelationId: text,
  forwarded: fc.array(
    fc.tuple(
      text.filter((name) => !isOwnedRecordHeader(name)),
      text,
    ),
  ),
});

const headerName = fc.oneof(
  fc.constantFrom(...Object.values(recordHeaders)),
  fc.constantFrom(...Object.values(recordHeaders).map((name) => name.toLowerCase())),
  text,
);
const headerValue = fc.oneof(
  bytes,
  idText.map(encodeText),
  fc.integer().map((number) => encodeText(String(number))),
  fc.constantFrom("true", "200", "404", "0", "1").map(encodeText),
);
const recordHeader = fc.record({ key: headerName, value: headerValue });
const nullableBytes = fc.option(bytes);
export const record: fc.Arbitrary<KafkaRecord> = fc.record({
  topic: fc.constant("replies"),
  partition: fc.constant(0),
  offset: fc.nat(),
  timestamp: instant,
  key: fc.oneof(nullableBytes, idText.map(encodeText)),
  value: nullableBytes,
  headers: fc.oneof(
    fc.array(recordHeader, { maxLength: 12 }),
    // One that can be read, with something behind it.
    fc
      .tuple(hexId, fc.array(recordHeader, { maxLength: 4 }))
      .map(([id, more]): RecordHeader[] => [...more, { key: "X-Correlation-ID", value: encodeText(id) }]),
  ),
});
export const sameRecord = (a: KafkaRecord, b: KafkaRecord): boolean =>
  equalBytes(a.key, b.key) &&
  equalBytes(a.value, b.value) &&
  a.headers.length === b.headers.length &&
  a.headers.every(
    ({ key, value }, at) => b.headers[at]?.key === key && equalBytes(value, b.headers[at].value),
  );

const reply = fc.record({
  status: fc.integer({ min: 200, max: 599 }),
  contentType: fc.stringMatching(/^[\x20-\x7e]{1,256}$/),
  body: bytes,
  error: fc.option(fc.stringMatching(/^[a-z0-9_.-]{1,64}$/), { nil: undefined }),
});

/** What the waiter and the time make of each record, in an order of their own. */
const plays = fc.tuple(
  fc.array(fc.tuple(record, fc.constantFrom(...deliverOutcomes, "undeliverable" as const), fc.nat(100)), {
    maxLength: 20,
  }),
  instant,
);

export const records: readonly Property[] = [
  holds(
    "a request record says all that it was made of, and no forwarded header counts for one of ours",
    envelope,
    (each) => {
      const made = encodeRequest("requests", each.correlationId, new Uint8Array(), each);
      const address = decodeReplyAddress(made.headers);
      if (typeof address === "string") return false;
      const { correlationId, replyTopic, replyPartition, createdAt, deadlineAt, keepUntil } = each;
      return (
        same(address, { correlationId, replyTopic, replyPartition, createdAt, deadlineAt, keepUntil }) &&
        readHeader(made.headers, recordHeaders.httpMethod) === "POST"
      );
    },
  ),
  holds("any headers are an address, or say what is wrong with them", fc.array(recordHeader), (each) => {
    const address = decodeReplyAddress(each);
    if (typeof address === "string") return /^[a-z_]+$/.test(address);
    const { correlationId, replyTopic, replyPartition = 0, deadlineAt = 0 } = address;
    return (
      correlationId !== "" &&
      correlationId.length <= 256 &&
      replyTopic !== "" &&
      Number.isSafeInteger(replyPartition) &&
      replyPartition >= 0 &&
      Number.isSafeInteger(deadlineAt)
    );
  }),
  holds("a reply is read as it was said", fc.tuple(envelope, reply), ([each, said]) => {
    const request = encodeRequest("requests", "key", new Uint8Array(), { ...each, forwarded: [] });
    const address = decodeReplyAddress(request.headers);
    if (typeof address === "string") return false;
    const status = said.error === undefined ? said.status : 400 + (said.status % 200);
    const { error, ...rest } = said;
    const made = encodeReply(address, request.headers, {
      ...rest,
      ...(error === undefined ? {} : { error }),
      status,
      sequence: 0,
      receivedAt: 1,
      repliedAt: 2,
    });
    const read = decodeReply(made);
    return (
      read.status === "readable" &&
      read.envelope.id === each.correlationId &&
      read.envelope.keepUntil === each.keepUntil &&
      read.envelope.reply.status === status &&
      read.envelope.reply.error === error &&
      read.envelope.reply.contentType === said.contentType &&
      equalBytes(read.envelope.reply.body, said.body)
    );
  }),
  holds(
    "any reply record has a verdict, or is delivered as what can be an answer",
    fc.tuple(record, instant),
    ([each, now]) => {
      const todo = dispose(each, now);
      if (todo.todo === "count") return drainVerdicts.includes(todo.fate.verdict);
      const { status, error, contentType } = todo.reply;
      return (
        correlationIdForm(todo.id)?.form === todo.form &&
        status >= 200 &&
        status <= 599 &&
        (error === undefined || (isErrorCode(error) && status >= 400)) &&
        (contentType === undefined || isContentType(contentType)) &&
        new Response(null, {
          status: 200,
          headers: contentType === undefined ? {} : { "content-type": contentType },
        }).ok
      );
    },
  ),
  holds(
    "the books balance at every moment, whatever is read and whatever waiters say of it",
    plays,
    async ([played, now]) => {
      const queued: QueuedReply[] = [];
      const letters: unknown[] = [];
      const partitions = new ReplyPartitions(
        {
          waiterIdOf: async (id) => (id.endsWith("0") ? undefined : id),
          enqueue: (_, each) => queued.push(each),
          deadLetter: (letter) => letters.push(letter),
          progressed: () => {},
        },
        [],
      );
      partitions.place({ topic: "replies", partition: 0 }, { log: "L", offset: 0 });
      await partitions.take(
        played.map(([each], offset) => ({ ...each, offset })),
        now,
      );
      const isBalanced = () => partitions.unbalanced().length === 0;
      let always = isBalanced();
      const order = queued
        .map((each, at) => ({ each, rank: played[at]?.[2] ?? 0, said: played[at]?.[1] ?? "late" }))
        .toSorted((a, b) => a.rank - b.rank);
      for (const { each, said } of order) {
        each.settle(said, "service");
        always &&= isBalanced();
      }
      const [books] = partitions.ledger();
      return (
        always &&
        books !== undefined &&
        books.read === played.length &&
        books.inFlight === 0 &&
        sumOfVerdicts(books.verdicts) === played.length &&
        letters.length === books.verdicts.malformed + books.verdicts.undeliverable
      );
    },
  ),
  holds("any record can be shown to an operator, whole and in part", record, (each) => {
    const letter = {
      id: 1,
      at: 0,
      topic: "replies",
      partition: 0,
      offset: 0,
      verdict: "malformed",
      reason: "fuzzed",
      record: each,
    } as const;
    return [preview, everything].every((limits) => JSON.stringify(show(letter, limits)).length > 0);
  }),
];
