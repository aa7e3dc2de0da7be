// What gateway, waiter and bridge say to each other, and what they write into logs.

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { hearbackForm } from "../../bridge/http/wire-hearback.ts";
import { plainForm } from "../../bridge/http/wire-plain.ts";
import { parseFetch, parseTimeout } from "../../bridge/http/json-body.ts";
import { openEmbeddedLog } from "../../bridge/index.ts";
import {
  decodeParked,
  decodeParkedOutcome,
  encodeParked,
  encodeParkedOutcome,
  type Parked,
  type ParkedOutcome,
} from "../../durable/parking.ts";
import {
  encodeText,
  fromBase64,
  fromWireRecord,
  logText,
  toBase64,
  toWireNewRecord,
  toWireRecord,
} from "../../protocol/index.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { bytes, equalBytes, holds, same, text } from "./words.ts";
import { instant, record, sameRecord } from "./records.ts";

const parked: fc.Arbitrary<Parked> = fc.oneof(
  fc.record({
    kind: fc.constant("plain" as const),
    spec: fc.record({ deadlineAt: instant, replyTopic: text, service: text }),
  }),
  fc.record({ kind: fc.constant("durable" as const), principal: text }),
);
const parkedOutcome: fc.Arbitrary<ParkedOutcome> = fc.oneof(
  fc.record({
    status: fc.constant("replied" as const),
    reply: fc.record({ status: fc.integer({ min: 200, max: 599 }), body: bytes }),
  }),
  fc.record({ status: fc.constant("expired" as const), deadlineAt: instant }),
  fc.record({ status: fc.constantFrom("cancelled" as const, "gone" as const, "forbidden" as const) }),
);
const parkedStatuses = new Set(["replied", "expired", "cancelled", "refused", "gone", "forbidden"]);
/** With a head of JSON that is almost right. */
const parkedMessage = fc.oneof(
  bytes,
  fc
    .tuple(
      fc.oneof(
        fc.json(),
        fc.constantFrom(
          '{"status":"replied"}',
          '{"status":"replied","reply":null}',
          "null",
          '{"status":"__proto__"}',
        ),
      ),
      bytes,
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([json, body, off]) => {
      const head = encodeText(json);
      const message = Buffer.alloc(4 + head.byteLength + body.byteLength);
      message.writeUInt32BE(Math.max(0, head.byteLength + off));
      message.set(head, 4);
      message.set(body, 4 + head.byteLength);
      return new Uint8Array(message);
    }),
);

const jsonLike = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      topic: fc.oneof(text, fc.jsonValue()),
      partition: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
      key: fc.oneof(text, fc.jsonValue()),
      value: fc.oneof(text, fc.jsonValue()),
      headers: fc.oneof(
        fc.array(
          fc.record({
            key: fc.oneof(text, fc.jsonValue()),
            value: fc.oneof(text, bytes.map(toBase64), fc.jsonValue()),
          }),
        ),
        fc.jsonValue(),
      ),
      timestamp: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
);

async function isRefusedOrTaken(message: unknown): Promise<boolean> {
  for (const form of [hearbackForm, plainForm]) {
    const parsed = form.parseRecord(message, undefined);
    if ("refused" in parsed) {
      if (parsed.refused === "" || parsed.retryAfter <= 0) return false;
      continue;
    }
    const log = openEmbeddedLog({ maxTopics: 2 });
    const [answer] = await log.produce([parsed]);
    await log.close();
    if (answer === undefined || ("refused" in answer && answer.refused === "")) return false;
  }
  return true;
}

export const wires: readonly Property[] = [
  holds("what is parked for travels in ASCII and is read as it was said", parked, (each) => {
    const encoded = encodeParked(each);
    return /^[\x20-\x7e]*$/.test(encoded) && same(decodeParked(encoded), each);
  }),
  holds("any header is something to park for, or nothing", fc.oneof(text, fc.json()), (each) => {
    const decoded = decodeParked(each);
    return decoded === undefined || decoded.kind === "plain" || decoded.kind === "durable";
  }),
  holds("how a parked wait ended is read as it was said", parkedOutcome, (each) => {
    const decoded = decodeParkedOutcome(new Uint8Array(encodeParkedOutcome(each)).buffer);
    if (decoded?.status === "replied" && each.status === "replied")
      return equalBytes(decoded.reply.body, each.reply.body) && decoded.reply.status === each.reply.status;
    return same(decoded, each);
  }),
  holds("any message ends a parked wait with a status, or not at all", parkedMessage, (each) => {
    const decoded = decodeParkedOutcome(new Uint8Array(each).buffer);
    return decoded === undefined || parkedStatuses.has(decoded.status);
  }),
  holds("any JSON that is to be produced is refused with a word, or taken", jsonLike, isRefusedOrTaken),
  holds("any JSON that asks for records or a time is answered", jsonLike, (each) =>
    [parseFetch(each), parseTimeout(each)].every(
      (parsed) =>
        !("problem" in parsed) || typeof parsed.problem === "object" || typeof parsed.problem === "string",
    ),
  ),
  holds("a record passes the bridge's JSON byte for byte", record, (each) => {
    const posted = hearbackForm.parseRecord(JSON.parse(JSON.stringify(toWireNewRecord(each))), undefined);
    const read = fromWireRecord(toWireRecord(each));
    return !("refused" in posted) && sameRecord({ ...each, ...posted }, each) && sameRecord(read, each);
  }),
  holds("any text is base64 of bytes, or none", fc.oneof(text, bytes.map(toBase64)), (each) => {
    const decoded = fromBase64(each);
    return decoded === undefined || equalBytes(decoded, Buffer.from(each, "base64"));
  }),
  holds(
    "any text of others is one short line in a log",
    text,
    (each) => /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u.test(logText(each)) && logText(each).length < 6_000,
  ),
];
