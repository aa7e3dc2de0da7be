// The table of hostile reply records: what stands on a reply topic while a client waits, the verdict that each must
// get, and what the client is told. A row is added by adding it here; test/loop/hostile-replies.test.ts plays them all.

import { Buffer } from "node:buffer";
import {
  encodeText,
  maxRecordBytes,
  recordBytes,
  textHeader,
  type DrainVerdict,
  type NewRecord,
  type RecordHeader,
} from "../../protocol/index.ts";
import { otherReplyTopic, replyPartitions } from "./hostile-loop.ts";

/** What there is to attack with. */
export interface Target {
  /** The ID somebody waits for. */
  readonly id: string;
  /** The reply that an honest service would send, with the body `honest`. */
  readonly honest: NewRecord;
  /** An ID that was answered, and the record that did it. */
  readonly answered: { readonly id: string; readonly reply: NewRecord };
  /** A signed UUID that was given out. */
  readonly uuid: string;
}

export interface HostileReply {
  readonly title: string;
  readonly records: (target: Target) => readonly NewRecord[];
  /** In the order of the records. */
  readonly verdicts: readonly DrainVerdict[];
  /**
   * What the client is told. `still waits`: none of them is an answer, and the honest reply behind them is. `body` is
   * absent where it does not matter, `code` where it is no problem.
   */
  readonly client:
    "still waits" | { readonly status: number; readonly code?: string; readonly body?: string };
}

type Bytes = Uint8Array | string;
/** Undefined takes the header away. */
type Headers = Readonly<Record<string, Bytes | undefined>>;

const bytes = (value: Bytes): Uint8Array => (typeof value === "string" ? encodeText(value) : value);

/** The honest reply, but for these headers. */
function withHeaders({ honest }: Target, headers: Headers): NewRecord {
  const changed = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const added = Object.entries(headers).flatMap(([key, value]): RecordHeader[] =>
    value === undefined ? [] : [{ key, value: bytes(value) }],
  );
  return {
    ...honest,
    headers: [...honest.headers.filter(({ key }) => !changed.has(key.toLowerCase())), ...added],
  };
}

/** The honest reply, and these headers behind its own. */
const withMore = ({ honest }: Target, more: readonly (readonly [string, string])[]): NewRecord => ({
  ...honest,
  headers: [...honest.headers, ...more.map(([key, value]) => textHeader(key, value))],
});

const notUtf8 = Uint8Array.of(0xed, 0xa0, 0x80, 0xff);
const unreadable = { status: 502, code: "reply_unreadable" };
const honestly = { status: 200, body: "honest" };
const stillWaits = "still waits";

/** One header of an honest reply is replaced, and nobody can read the reply any more. */
const spoiled = (title: string, name: string, value: Bytes): HostileReply => ({
  title,
  records: (target) => [withHeaders(target, { [name]: value })],
  verdicts: ["malformed"],
  client: unreadable,
});

/** One header is replaced, and the reply is as good as before. */
const harmless = (title: string, name: string, value: Bytes | undefined): HostileReply => ({
  title,
  records: (target) => [withHeaders(target, { [name]: value })],
  verdicts: ["accepted"],
  client: honestly,
});

/** The reply names somebody whom there is not. */
const misaddressed = (
  title: string,
  idOf: (target: Target) => Bytes,
  verdict: DrainVerdict = "unknown",
): HostileReply => ({
  title,
  records: (target) => [withHeaders(target, { "X-Correlation-ID": idOf(target) })],
  verdicts: [verdict],
  client: stillWaits,
});

const bare = ({ honest }: Target, key: Uint8Array | null): NewRecord => ({ ...honest, key, headers: [] });

const addresses: readonly HostileReply[] = [
  {
    title: "no headers and no key",
    records: (target) => [bare(target, null)],
    verdicts: ["malformed"],
    client: stillWaits,
  },
  {
    title: "no headers and an empty key",
    records: (target) => [bare(target, new Uint8Array())],
    verdicts: ["malformed"],
    client: stillWaits,
  },
  {
    title: "a key with a lone surrogate",
    records: (target) => [bare(target, notUtf8)],
    verdicts: ["malformed"],
    client: stillWaits,
  },
  {
    title: "a key of a megabyte",
    records: (target) => [bare(target, new Uint8Array(1_000_000).fill(0x61))],
    verdicts: ["unknown"],
    client: stillWaits,
  },
  {
    title: "the ID as key alone, without a header",
    records: (target) => [bare(target, encodeText(target.id))],
    verdicts: ["accepted"],
    client: honestly,
  },
  misaddressed("an ID of zeros", () => "0".repeat(64)),
  misaddressed("a guessed ID", () => "deadbeef".repeat(8)),
  misaddressed("an ID with one digit changed", ({ id }) => flipped(id, 5)),
  misaddressed("an ID with its last digit changed", ({ id }) => flipped(id, 63)),
  misaddressed("an ID with a line break behind it", ({ id }) => `${id}\n`),
  misaddressed("an ID with a NUL behind it", ({ id }) => `${id}\0`),
  misaddressed("an ID in braces and quotes", ({ id }) => `{"id":"${id}"}`),
  misaddressed("an ID of a megabyte", () => "a".repeat(1_000_000)),
  misaddressed("a UUID that nobody signed", () => "01234567-89ab-8def-8123-456789abcdef"),
  misaddressed("a signed UUID with its signature changed", ({ uuid }) => flipped(uuid, 35)),
  misaddressed("a signed UUID with another time", ({ uuid }) => flipped(uuid, 0)),
  misaddressed("no ID where the key is right", () => "", "malformed"),
  {
    title: "an ID in upper case",
    records: (target) => [withHeaders(target, { "X-Correlation-ID": target.id.toUpperCase() })],
    verdicts: ["accepted"],
    client: honestly,
  },
  {
    title: "the name of the ID's header in mixed case",
    records: (target) => [withHeaders(target, { "x-CORRELATION-id": target.id })],
    verdicts: ["accepted"],
    client: honestly,
  },
  {
    title: "two IDs, of which the last one counts",
    records: (target) => [withMore(target, [["X-Correlation-ID", "0".repeat(64)]])],
    verdicts: ["unknown"],
    client: stillWaits,
  },
  {
    title: "an ID that is answered, with another body",
    records: ({ answered }) => [{ ...answered.reply, value: encodeText("forged") }],
    verdicts: ["duplicate"],
    client: stillWaits,
  },
  {
    title: "a reply that was there before, replayed",
    records: ({ answered }) => [answered.reply],
    verdicts: ["duplicate"],
    client: stillWaits,
  },
  {
    title: "two replies with two bodies",
    records: (target) => [target.honest, { ...target.honest, value: encodeText("second") }],
    verdicts: ["accepted", "duplicate"],
    client: honestly,
  },
  {
    title: "a hundred replies at once",
    records: (target) => Array.from({ length: 100 }, () => target.honest),
    verdicts: ["accepted", ...Array.from({ length: 99 }, () => "duplicate" as const)],
    client: honestly,
  },
  {
    title: "the right ID on another partition",
    records: ({ honest }) => [{ ...honest, partition: ((honest.partition ?? 0) + 1) % replyPartitions }],
    verdicts: ["accepted"],
    client: honestly,
  },
  {
    title: "the right ID on another service's reply topic",
    records: ({ honest }) => [{ ...honest, topic: otherReplyTopic, partition: 0 }],
    verdicts: ["foreign"],
    client: stillWaits,
  },
  {
    title: "the right ID, unreadable, on another service's reply topic",
    records: (target) => [
      { ...withHeaders(target, { "X-Reply-Status": "?" }), topic: otherReplyTopic, partition: 0 },
    ],
    verdicts: ["malformed"],
    client: stillWaits,
  },
];

const statuses: readonly HostileReply[] = [
  ...[
    "-1",
    "1e2",
    "NaN",
    "200.5",
    "",
    " 200",
    "0x1f4",
    "100",
    "101",
    "199",
    "600",
    "9".repeat(400),
    "٢٠٠",
    "200\r\nSet-Cookie: a=b",
    "200\0",
  ].map((status) => spoiled(`the status ${JSON.stringify(status).slice(0, 40)}`, "X-Reply-Status", status)),
  spoiled("a status that is not UTF-8", "X-Reply-Status", notUtf8),
  {
    title: "204 with a body",
    records: (target) => [withHeaders(target, { "X-Reply-Status": "204" })],
    verdicts: ["accepted"],
    client: { status: 204, body: "" },
  },
  {
    title: "205 with a body",
    records: (target) => [withHeaders(target, { "X-Reply-Status": "205" })],
    verdicts: ["accepted"],
    client: { status: 205, body: "" },
  },
  {
    title: "304 with a body",
    records: (target) => [withHeaders(target, { "X-Reply-Status": "304" })],
    verdicts: ["accepted"],
    client: { status: 304, body: "" },
  },
  {
    title: "two statuses, of which the last one counts",
    records: (target) => [
      withMore(target, [
        ["X-Reply-Status", "banana"],
        ["x-reply-status", "418"],
      ]),
    ],
    verdicts: ["accepted"],
    client: { status: 418, body: "honest" },
  },
];

const errors: readonly HostileReply[] = [
  ...["code\r\nSet-Cookie: a=b", "c".repeat(65), "", "<script>", "a b", "\u202ecode"].map((code) =>
    spoiledError(code),
  ),
  spoiledError(notUtf8),
  {
    title: "an error with the status 200",
    records: (target) => [withHeaders(target, { "X-Reply-Error": "failed", "X-Reply-Status": "200" })],
    verdicts: ["malformed"],
    client: unreadable,
  },
  ...["__proto__", "constructor", "internal"].map((code): HostileReply => ({
    title: `the error ${code}`,
    records: (target) => [
      withHeaders(target, { "X-Reply-Error": code, "X-Reply-Status": "502", "Content-Type": undefined }),
    ],
    verdicts: ["accepted"],
    client: { status: 502, code },
  })),
  {
    title: "an error whose text would break out of JSON",
    records: (target) => [
      {
        ...withHeaders(target, {
          "X-Reply-Error": "broken",
          "X-Reply-Status": "500",
          "Content-Type": undefined,
        }),
        value: encodeText('"},"code":"forged",\u2028\0'),
      },
    ],
    verdicts: ["accepted"],
    client: { status: 500, code: "broken" },
  },
  {
    title: "an error whose text is not UTF-8",
    records: (target) => [
      {
        ...withHeaders(target, {
          "X-Reply-Error": "broken",
          "X-Reply-Status": "500",
          "Content-Type": undefined,
        }),
        value: notUtf8,
      },
    ],
    verdicts: ["accepted"],
    client: { status: 500, code: "broken" },
  },
];

function spoiledError(code: Bytes): HostileReply {
  const shown = typeof code === "string" ? JSON.stringify(code).slice(0, 40) : "that is not UTF-8";
  return {
    title: `the error ${shown}`,
    records: (target) => [withHeaders(target, { "X-Reply-Error": code, "X-Reply-Status": "502" })],
    verdicts: ["malformed"],
    client: unreadable,
  };
}

/** A reply as another framework sends it: these headers, none of ours, and no key but the one that is given. */
const spoken = (
  { honest }: Target,
  headers: Readonly<Record<string, Bytes>>,
  key: string | null = null,
): NewRecord => ({
  ...honest,
  key: key === null ? null : encodeText(key),
  headers: Object.entries(headers).map(([name, value]) => ({ key: name, value: bytes(value) })),
});

/** In the headers of a dialect, with its ID. */
const said = (
  title: string,
  headers: (target: Target) => Readonly<Record<string, Bytes>>,
  verdict: DrainVerdict,
  client: HostileReply["client"],
): HostileReply => ({
  title,
  records: (target) => [spoken(target, headers(target))],
  verdicts: [verdict],
  client,
});

const failed = { status: 502, code: "responder_failed" };
const garbage = Uint8Array.from({ length: 16 }, (_, at) => (at * 151 + 7) % 256);
/** Sixteen bytes that look like a UUID of ours, and that nobody signed. */
const unsigned = Uint8Array.from(garbage, (byte, at) => (at === 6 ? 0x80 : at === 8 ? 0x80 : byte));
const correlationHeaders = [
  "kafka_correlationId",
  "REPLY_CORRELATION_ID",
  "zilla:correlation-id",
  "rig-correlation",
  "x-plt-kafka-hooks-correlation-id",
  "ce_correlationid",
] as const;

const dialects: readonly HostileReply[] = [
  ...correlationHeaders.flatMap((name): readonly HostileReply[] => [
    said(`a forged ID in ${name}`, ({ id }) => ({ [name]: flipped(id, 5) }), "unknown", stillWaits),
    said(
      `the ID of another exchange, which was answered, in ${name}`,
      ({ answered }) => ({ [name]: answered.id }),
      "duplicate",
      stillWaits,
    ),
    {
      title: `the ID of another exchange in ${name}, where ours is right`,
      records: (target) => [withHeaders(target, { [name]: target.answered.id })],
      verdicts: ["accepted"],
      client: honestly,
    },
  ]),
  {
    title: "the ID of another exchange in ce_correlationid, where the key is right",
    records: (target) => [spoken(target, { ce_correlationid: target.answered.id }, target.id)],
    verdicts: ["duplicate"],
    client: stillWaits,
  },
  {
    title: "the right ID in kafka_correlationId on another service's reply topic",
    records: (target) => [
      { ...spoken(target, { kafka_correlationId: target.id }), topic: otherReplyTopic, partition: 0 },
    ],
    verdicts: ["foreign"],
    client: stillWaits,
  },
  said(
    "the right ID in all dialects, and a status for another exchange",
    ({ id, answered }) => ({
      ...Object.fromEntries(correlationHeaders.map((name) => [name, id])),
      "zilla:correlation-id": answered.id,
      ":status": "500",
    }),
    "accepted",
    honestly,
  ),
  said(
    "16 bytes of garbage as kafka_correlationId",
    () => ({ kafka_correlationId: garbage }),
    "unknown",
    stillWaits,
  ),
  said(
    "16 bytes as kafka_correlationId that nobody signed",
    () => ({ kafka_correlationId: unsigned }),
    "unknown",
    stillWaits,
  ),
  {
    title: "16 bytes of garbage as kafka_correlationId, where the key is right",
    records: (target) => [spoken(target, { kafka_correlationId: garbage }, target.id)],
    verdicts: ["accepted"],
    client: honestly,
  },
  said(
    "17 bytes as kafka_correlationId that are no text",
    () => ({ kafka_correlationId: new Uint8Array(17).fill(0xff) }),
    "malformed",
    stillWaits,
  ),
  said("an empty kafka_correlationId", () => ({ kafka_correlationId: "" }), "malformed", stillWaits),
  said(
    "a kafka_correlationId of a megabyte",
    () => ({ kafka_correlationId: "a".repeat(1_000_000) }),
    "unknown",
    stillWaits,
  ),
  ...["99", "600", "OK", "", "-1", "2e2", "200\r\nSet-Cookie: a=b"].map((status) =>
    said(
      `the :status ${JSON.stringify(status)}`,
      ({ id }) => ({ "zilla:correlation-id": id, ":status": status }),
      "malformed",
      unreadable,
    ),
  ),
  said(
    "a :status that is not UTF-8",
    ({ id }) => ({ "zilla:correlation-id": id, ":status": notUtf8 }),
    "malformed",
    unreadable,
  ),
  said(
    "a :status of 99 in a framework that has no such word",
    ({ id }) => ({ kafka_correlationId: id, ":status": "99" }),
    "accepted",
    honestly,
  ),
  {
    title: "a :status of 500 beside a status of ours",
    records: (target) => [withHeaders(target, { "zilla:correlation-id": target.id, ":status": "500" })],
    verdicts: ["accepted"],
    client: honestly,
  },
  ...(
    [
      ["with a line break and a header behind it", "no\r\nSet-Cookie: a=b"],
      ["that would break out of JSON", '"},"code":"forged",\u2028\0'],
      ["that is not UTF-8", notUtf8],
      ["of 900 kB", "n".repeat(900_000)],
      ["that is empty", ""],
    ] as const
  ).map(([what, error]) =>
    said(
      `a kafka_nest-err ${what}`,
      ({ id }) => ({ kafka_correlationId: id, "kafka_nest-err": error }),
      "accepted",
      failed,
    ),
  ),
  said(
    "a dead letter of Spring with an exception in it",
    ({ id }) => ({
      kafka_correlationId: id,
      "kafka_dlt-exception-fqcn": "java.lang.Error\r\nSet-Cookie: a=b",
    }),
    "accepted",
    failed,
  ),
  ...(
    [
      ["negative", Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
      ["the largest that there is", Uint8Array.of(0x7f, 0xff, 0xff, 0xff)],
      ["of three bytes", Uint8Array.of(1, 2, 3)],
      ["of a megabyte less its headers", new Uint8Array(900_000)],
    ] as const
  ).map(([what, partition]) =>
    said(
      `a kafka_replyPartition that is ${what}`,
      ({ id }) => ({ kafka_correlationId: id, kafka_replyPartition: partition }),
      "accepted",
      honestly,
    ),
  ),
  said(
    "a reply topic of its own, in a framework's word for it",
    ({ id }) => ({ kafka_correlationId: id, kafka_replyTopic: otherReplyTopic }),
    "accepted",
    honestly,
  ),
];

const others: readonly HostileReply[] = [
  ...["gzip\r\nSet-Cookie: a=b", "", " ", "gzip,,br", "gzip;q=1", "g".repeat(65), "g\0"].map((coding) =>
    spoiled(`the content encoding ${JSON.stringify(coding).slice(0, 40)}`, "Content-Encoding", coding),
  ),
  spoiled("a content encoding that is not UTF-8", "Content-Encoding", notUtf8),
  harmless("a content encoding that nobody knows", "Content-Encoding", "no-such-coding"),
  spoiled(
    "a content type with a line break and a header behind it",
    "Content-Type",
    "text/plain\r\nSet-Cookie: a=b",
  ),
  spoiled("a content type with a NUL", "Content-Type", "text/plain\0"),
  spoiled("a content type of 10 kB", "Content-Type", "t".repeat(10_000)),
  spoiled("a content type that is not ASCII", "Content-Type", "text/plän"),
  spoiled("a content type that is not UTF-8", "Content-Type", notUtf8),
  spoiled("an empty content type", "Content-Type", ""),
  harmless("a content type that is none", "Content-Type", ";;;=\"'"),
  harmless("a negative X-Keep-Until", "X-Keep-Until", "-1"),
  harmless("an X-Keep-Until beyond all time", "X-Keep-Until", "9".repeat(40)),
  harmless("an X-Keep-Until that is no number", "X-Keep-Until", "soon"),
  harmless("an X-Keep-Until that is not UTF-8", "X-Keep-Until", notUtf8),
  {
    title: "an X-Keep-Until of 1970",
    records: (target) => [withHeaders(target, { "X-Keep-Until": "0" })],
    verdicts: ["late"],
    client: stillWaits,
  },
  spoiled("a sequence without an end", "X-Reply-Sequence", "0"),
  spoiled("a sequence that is not UTF-8", "X-Reply-Sequence", notUtf8),
  {
    title: "part 1 of a reply, which is its last",
    records: (target) => [withHeaders(target, { "X-Reply-Sequence": "1", "X-Reply-End": "true" })],
    verdicts: ["malformed"],
    client: unreadable,
  },
  {
    title: "a negative part of a reply",
    records: (target) => [withHeaders(target, { "X-Reply-Sequence": "-1", "X-Reply-End": "true" })],
    verdicts: ["malformed"],
    client: unreadable,
  },
  harmless("an end without a sequence", "X-Reply-End", "true"),
  harmless("a header whose name is empty", "", "x"),
  harmless("a header whose name has 10 kB", "n".repeat(10_000), "x"),
  harmless("a header called __proto__", "__PROTO__", "x"),
  harmless("a Set-Cookie, which is no header of an answer", "Set-Cookie", "a=b"),
  harmless("a forged X-Principal", "X-Principal", "root"),
  {
    title: "a thousand headers",
    records: (target) => [
      withMore(
        target,
        Array.from({ length: 1_000 }, (_, at) => [`X-${at}`, "x"]),
      ),
    ],
    verdicts: ["accepted"],
    client: honestly,
  },
  {
    title: "no value",
    records: ({ honest }) => [{ ...honest, value: null }],
    verdicts: ["accepted"],
    client: { status: 200, body: "" },
  },
  {
    title: "a value that fills the record",
    records: ({ honest }) => [filled(honest)],
    verdicts: ["accepted"],
    client: { status: 200 },
  },
];

function filled(record: NewRecord): NewRecord {
  return { ...record, value: Buffer.alloc(maxRecordBytes - recordBytes({ ...record, value: null }), "x") };
}

function flipped(id: string, at: number): string {
  return `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
}

export const hostileReplies: readonly HostileReply[] = [
  ...addresses,
  ...statuses,
  ...errors,
  ...dialects,
  ...others,
];
