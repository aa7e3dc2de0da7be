// What must hold whatever comes: properties of all that reads what others wrote, in config, headers, IDs, records and
// JSON. Generators and what to expect only; how often, and with which seed, is the caller's.

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { Hono } from "hono";
import { hearbackForm } from "../../bridge/http/wire-hearback.ts";
import { plainForm } from "../../bridge/http/wire-plain.ts";
import { parseFetch, parseTimeout } from "../../bridge/http/json-body.ts";
import { openEmbeddedLog } from "../../bridge/index.ts";
import { everything, preview, show } from "../../consumer/dead-letter-view.ts";
import type { QueuedReply } from "../../consumer/delivery-queue.ts";
import { dispose } from "../../consumer/disposition.ts";
import { sumOfVerdicts } from "../../consumer/ledger.ts";
import { ReplyPartitions } from "../../consumer/partitions.ts";
import {
  decodeParked,
  decodeParkedOutcome,
  encodeParked,
  encodeParkedOutcome,
  type Parked,
  type ParkedOutcome,
} from "../../durable/parking.ts";
import {
  correlationIdForm,
  decodeReply,
  decodeReplyAddress,
  deliverOutcomes,
  drainVerdicts,
  encodeReply,
  encodeRequest,
  encodeText,
  fromBase64,
  fromWireRecord,
  importUuidKey,
  isContentType,
  isErrorCode,
  isOwnedRecordHeader,
  logText,
  mintUuid,
  partitionForKey,
  readHeader,
  recordHeaders,
  toBase64,
  toWireNewRecord,
  toWireRecord,
  verifyUuid,
  type CorrelationId,
  type KafkaRecord,
  type RecordHeader,
} from "../../protocol/index.ts";
import { resolveGateway } from "../../worker/config.ts";
import { findWaiter, type WaiterNamespace } from "../../worker/exchange/correlation-id.ts";
import { readClientKey } from "../../worker/http/idempotency-key.ts";
import { preferenceApplied, readPreferences } from "../../worker/http/preferences.ts";
import { readRecordKey } from "../../worker/http/record-key.ts";
import type { Property } from "../support/fuzz-seed.ts";

function holds<T>(
  title: string,
  arbitrary: fc.Arbitrary<T>,
  predicate: (value: T) => boolean | Promise<boolean>,
): Property {
  return {
    title,
    check: async (numRuns, seed) =>
      fc.assert(
        fc.asyncProperty(arbitrary, async (value) => predicate(value)),
        { numRuns, seed },
      ),
  };
}

/** `JSON.stringify` that is only looked at. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const equalBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;

// Text, as it comes from the worst of clients.
const nasty = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "\0",
  "\r\n",
  "\n",
  "\ud800",
  "\udfff",
  "\u202e",
  "\u2028",
  "\ufeff",
  "%00",
  "%zz",
  "..",
  "/",
  "*",
  "?",
  "-1",
  "NaN",
  "1e309",
  "0x10",
  "9".repeat(20),
  " ",
  "\t",
  '"',
  "\\",
  ",",
  ";",
  "=",
);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  nasty,
  fc.array(fc.oneof(nasty, fc.string())).map((parts) => parts.join("")),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), text.map(encodeText));
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
});

// Config.

const routeParts = fc.constantFrom(
  "/",
  ":",
  "id",
  ":id",
  "*",
  "?",
  "{",
  "}",
  "{[0-9]+}",
  "{[}",
  "(",
  ")",
  "[",
  "]",
  "\\",
  "+",
  ".",
  "..",
  "%2e",
  "requests",
  "_hearback",
  "a",
);
const route = fc
  .tuple(fc.constantFrom("GET", "POST", "PUT"), fc.array(routeParts, { maxLength: 8 }))
  .map(([method, parts]) => `${method} /${parts.join("")}`);
const validService = {
  route: "POST /a/:id",
  requestTopic: "q",
  replyTopic: "r",
  recordKey: { path: "id" },
  forwardHeaders: ["x-a"],
  replyPartitions: { own: [0], of: 3 },
};
const validConfig = {
  services: { a: validService, b: { ...validService, route: "GET /b", recordKey: { query: "q" } } },
  produceTimeoutMs: 500,
};

/** Paths to every member, and some that are not there. */
function pathsOf(value: unknown, prefix: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [prefix];
  return [prefix, ...Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...prefix, key]))];
}

function replaced(value: unknown, [first, ...rest]: readonly string[], by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value))
    return value.map((each: unknown, at) => (String(at) === first ? replaced(each, rest, by) : each));
  const members = value as Readonly<Record<string, unknown>>;
  return { ...members, [first]: replaced(members[first], rest, by) };
}

const options = [
  "timeoutMs",
  "bodyLimitBytes",
  "correlationIds",
  "idempotencyKey",
  "clientCorrelationIdAsKey",
  "asyncTimeoutMs",
  "retentionMs",
  "lateReplies",
  "cancelRecords",
  "replyRouting",
  "nonsense",
];
const configPath = fc.constantFrom(
  ...pathsOf(validConfig),
  ...options.map((option) => ["services", "a", option]),
  ["workersPlan"],
  ["drainLocation"],
);
const mutatedConfig = fc
  .array(fc.tuple(configPath, fc.oneof(anything, text, route, fc.double(), fc.integer())), {
    minLength: 1,
    maxLength: 3,
  })
  .map((changes) =>
    changes.reduce<unknown>((config, [path, by]) => {
      try {
        return replaced(config, path, by);
      } catch {
        // An earlier change took away what this one would change.
        return config;
      }
    }, validConfig),
  );

function isResolved(input: unknown): boolean {
  const resolved = resolveGateway(input);
  if (resolved.ok) return resolved.config.services.length > 0;
  const isProblem = ({ option, received, rule }: { option: string; received: string; rule: string }) =>
    [option, received, rule].every((said) => typeof said === "string") && rule !== "";
  return resolved.problems.length > 0 && resolved.problems.every(isProblem);
}

/** What is a config can be routed by. */
async function canBeRouted(input: unknown): Promise<boolean> {
  const resolved = resolveGateway(input);
  if (!resolved.ok) return true;
  const app = new Hono();
  for (const { method, path } of resolved.config.services) app.on(method, path, (c) => c.text("found"));
  const answers = await Promise.all(["/", "/a", "/a/b", "/requests"].map(async (path) => app.request(path)));
  return answers.every(({ status }) => status === 200 || status === 404);
}

const config: readonly Property[] = [
  holds("a config of anything is resolved, or has problems", anything, isResolved),
  holds(
    "a config that was right, with anything in some places, is resolved or has problems",
    mutatedConfig,
    isResolved,
  ),
  holds(
    "a config with any routes that are accepted can be routed by",
    fc.tuple(route, route).map(([a, b]) => ({
      services: {
        a: { route: a, requestTopic: "q", replyTopic: "r" },
        b: { route: b, requestTopic: "q", replyTopic: "r" },
      },
    })),
    canBeRouted,
  ),
];

// Headers.

const preferWords = fc.constantFrom(
  "wait",
  "respond-async",
  "=",
  "=10",
  "=-1",
  ",",
  ";",
  " ",
  '"',
  "\\",
  "wait=5",
  "respond-async=false",
  "handling=lenient",
  'a="b,c"',
);
const prefer = fc.oneof(
  text,
  fc.array(fc.oneof(preferWords, nasty)).map((words) => words.join("")),
);
const headersOf = (entries: Readonly<Record<string, string>>): Headers =>
  ({ get: (name: string) => entries[name.toLowerCase()] ?? null }) as unknown as Headers;
const keyed = { idempotencyKey: "optional", clientCorrelationIdAsKey: false } as const;

const headers: readonly Property[] = [
  holds("any Prefer is a number of whole seconds and a yes or no", prefer, (header) => {
    const { respondAsync, waitSeconds } = readPreferences(header);
    return (
      typeof respondAsync === "boolean" &&
      (waitSeconds === undefined ||
        (Number.isInteger(waitSeconds) && waitSeconds >= 0 && waitSeconds <= 2 ** 31))
    );
  }),
  holds("what is said of an applied Prefer reads as the same Prefer", prefer, (header) => {
    const read = readPreferences(header);
    return same(readPreferences(preferenceApplied(read) ?? null), read);
  }),
  holds("any Idempotency-Key is a key of at most 255 characters, or refused with a word", text, (header) => {
    const read = readClientKey(headersOf({ "idempotency-key": header }), keyed, true);
    if (read.status === "key") return read.key.length >= 16 && read.key.length <= 255;
    return read.status === "unusable" && read.why !== "";
  }),
  holds("a key in quotes is that key", fc.stringMatching(/^[ !#-[\]-~]{16,255}$/), (key) => {
    const read = readClientKey(headersOf({ "idempotency-key": `"${key}"` }), keyed, true);
    return read.status === "key" && read.key === key;
  }),
];

// Record keys.

const escapedToken = (token: string): string => token.replaceAll("~", "~0").replaceAll("/", "~1");
const jsonWithPath = fc
  .tuple(fc.array(text, { minLength: 1, maxLength: 4 }), fc.jsonValue())
  .map(([path, leaf]) => ({
    pointer: path.map((token) => `/${escapedToken(token)}`).join(""),
    leaf,
    json: path.reduceRight<unknown>((value, token) => Object.fromEntries([[token, value]]), leaf),
  }));
const inputsWith = (body: Uint8Array) => ({
  pathParameter: () => undefined,
  query: new URLSearchParams(),
  headers: headersOf({}),
  body,
});

const recordKeys: readonly Property[] = [
  holds(
    "a pointer into any JSON finds what is there, if it is text or a number",
    jsonWithPath,
    ({ pointer, leaf, json }) => {
      const read = readRecordKey({ body: pointer }, inputsWith(encodeText(JSON.stringify(json))));
      const wanted = typeof leaf === "number" ? String(leaf) : leaf;
      return typeof wanted === "string" && wanted !== "" && wanted.isWellFormed()
        ? read.ok && read.key === wanted
        : !read.ok;
    },
  ),
  holds(
    "a pointer into any bytes finds a key or says what is missing",
    fc.tuple(bytes, text),
    ([body, token]) => {
      const read = readRecordKey({ body: `/${escapedToken(token)}` }, inputsWith(body));
      return read.ok ? read.key !== "" : read.missing !== "";
    },
  ),
  holds(
    "a pointer finds nothing that nobody sent",
    fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "length", "name"),
    (name) =>
      ["", "/name", "/length"].every(
        (rest) => !readRecordKey({ body: `/${name}${rest}` }, inputsWith(encodeText("{}"))).ok,
      ),
  ),
];

// IDs.

const hexId = fc.stringMatching(/^[0-9a-f]{64}$/);
const idText = fc.oneof(
  text,
  hexId,
  hexId.map((id) => id.toUpperCase()),
  fc.uuid(),
  fc.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  fc.tuple(hexId, nasty).map(([id, more]) => id + more),
);
const uuidSecret = "a secret of the fuzzing that is long enough";
const signingKey = importUuidKey(uuidSecret);

/** Has minted what ends in 00. */
const standIn: WaiterNamespace<string> = {
  newUniqueId: () => "0".repeat(64),
  idFromName: (name) => `named ${name}`,
  idFromString: (hex) => {
    if (!/^[0-9a-f]{62}00$/.test(hex)) throw new TypeError("not of this namespace");
    return hex;
  },
};

const ids: readonly Property[] = [
  holds("any text is the ID of a form, in lower case, or none", idText, (each) => {
    const read = correlationIdForm(each);
    return (
      read === undefined || (read.id === each.toLowerCase() && correlationIdForm(read.id)?.form === read.form)
    );
  }),
  holds("any text finds a waiter of this namespace, or none", idText, async (each) => {
    const found = await findWaiter(each, standIn, uuidSecret);
    if (found === undefined) return true;
    return found.correlationId.length === 64
      ? found.waiterId.endsWith("00")
      : verifyUuid(found.correlationId as CorrelationId, await signingKey);
  }),
  holds(
    "a minted UUID is verified in any case, and not with one digit changed",
    fc.tuple(fc.nat(2 ** 48 - 1), fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.nat(35)),
    async ([now, random, at]) => {
      const id = await mintUuid(now, random, await signingKey);
      const changed =
        id[at] === "-" ? undefined : `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
      const [found, forged] = await Promise.all([
        findWaiter(id.toUpperCase(), standIn, uuidSecret),
        changed === undefined ? undefined : findWaiter(changed, standIn, uuidSecret),
      ]);
      return found?.correlationId === id && forged === undefined;
    },
  ),
  holds(
    "any key has a partition that there is",
    fc.tuple(bytes, fc.integer({ min: 1, max: 1_000 })),
    ([key, count]) => {
      const partition = partitionForKey(key, count);
      return Number.isInteger(partition) && partition >= 0 && partition < count;
    },
  ),
];

// Records.

const instant = fc.nat(4_000_000_000_000);
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
const record: fc.Arbitrary<KafkaRecord> = fc.record({
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
const sameRecord = (a: KafkaRecord, b: KafkaRecord): boolean =>
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

const records: readonly Property[] = [
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

// The wires.

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

const wires: readonly Property[] = [
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

/** One after the other they are all that reads what others wrote; a new reader gets a property here. */
export const properties: readonly Property[] = [
  ...config,
  ...headers,
  ...recordKeys,
  ...ids,
  ...records,
  ...wires,
];
