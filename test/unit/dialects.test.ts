// The words of other frameworks: what is written on a request, and what is read of a reply by whom it is for and how
// it went. Whole calls are in test/loop/dialects.test.ts.

import { describe, expect, test } from "vitest";
import {
  correlationIdForm,
  correlationIdOf,
  decodeReply,
  decodeReplyAddress,
  decodeText,
  dialects,
  encodeReply,
  encodeRequest,
  encodeText,
  readHeader,
  textHeader,
  type DialectName,
  type HeaderDialect,
  type RecordHeader,
  type RequestEnvelope,
} from "../../protocol/index.ts";

const uuid = "019a0b0c-0d0e-8abc-9def-0123456789ab";
const uuidBytes = Uint8Array.from([
  0x01, 0x9a, 0x0b, 0x0c, 0x0d, 0x0e, 0x8a, 0xbc, 0x9d, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
]);
const hexId = "ab".repeat(32);
const envelope: RequestEnvelope = {
  correlationId: uuid,
  replyTopic: "replies",
  replyPartition: 258,
  createdAt: 1_790_000_000_000,
  deadlineAt: 1_790_000_005_000,
  keepUntil: 1_790_000_005_000,
  attempt: 7,
  method: "POST",
  path: "/price/a%20b",
  query: "?q=tea&q=milk&n=1",
  pathParameters: { sku: "a b" },
  forwarded: [["Content-Type", "application/json"]],
};
const names = Object.keys(dialects) as DialectName[];
const body = encodeText("x");

function requestIn(dialect?: HeaderDialect, overrides: Partial<RequestEnvelope> = {}) {
  return encodeRequest("requests", "ada", body, {
    ...envelope,
    ...overrides,
    ...(dialect === undefined ? {} : { dialect }),
  });
}

/** Names as they are spelled, and text where it is text. */
function shown(headers: readonly RecordHeader[]): Record<string, string | Uint8Array> {
  return Object.fromEntries(
    headers.map(({ key, value }) => {
      const text = decodeText(value);
      return [key, text !== undefined && /^[\x20-\x7e]*$/.test(text) ? text : value];
    }),
  );
}

describe("the request record", () => {
  const int258 = Uint8Array.of(0, 0, 1, 2);
  const expected: Readonly<Record<DialectName, Readonly<Record<string, string | Uint8Array>>>> = {
    spring: { kafka_correlationId: uuid, kafka_replyTopic: "replies", kafka_replyPartition: int258 },
    "spring-binary": {
      kafka_correlationId: uuidBytes,
      kafka_replyTopic: "replies",
      kafka_replyPartition: int258,
    },
    nest: { kafka_correlationId: uuid, kafka_replyTopic: "replies", kafka_replyPartition: "258" },
    smallrye: { REPLY_CORRELATION_ID: uuid, REPLY_TOPIC: "replies", REPLY_PARTITION: int258 },
    zilla: {
      "zilla:correlation-id": uuid,
      "zilla:reply-to": "replies",
      ":method": "POST",
      ":path": "/price/a%20b?q=tea&q=milk&n=1",
    },
    rig: { "rig-correlation": uuid },
    "kafka-hooks": {
      "x-plt-kafka-hooks-correlation-id": uuid,
      "x-plt-kafka-hooks-path-params": '{"sku":"a b"}',
      "x-plt-kafka-hooks-query-string": '{"q":["tea","milk"],"n":"1"}',
    },
    cloudevents: {
      ce_specversion: "1.0",
      ce_id: `${uuid}:7`,
      ce_type: "hearback.request",
      ce_source: "/hearback",
      ce_time: "2026-09-21T14:13:20.000Z",
      ce_expirytime: "2026-09-21T14:13:25.000Z",
      ce_correlationid: uuid,
    },
  };

  test.each(names)("in %s has its names besides all of ours, byte for byte", (name) => {
    const { "Content-Type": contentType, ...native } = shown(requestIn().headers);
    expect(shown(requestIn(name).headers)).toEqual({
      ...native,
      "content-type": contentType,
      ...expected[name],
    });
    expect(requestIn(name)).toEqual(requestIn(name));
  });

  test("names no partition where the reply finds its own, and no query or parameters where there are none", () => {
    const { replyPartition: _, pathParameters: __, ...bare } = { ...envelope, query: "" };
    for (const dialect of names) {
      const { headers } = encodeRequest("requests", "ada", body, { ...bare, dialect });
      expect(Object.keys(shown(headers)).filter((name) => /partition|params|query/i.test(name))).toEqual([]);
    }
  });

  test("of a service that names its events has their type and source", () => {
    const { headers } = requestIn({ name: "cloudevents", type: "com.example.asked", source: "/shop" });
    expect([readHeader(headers, "ce_type"), readHeader(headers, "ce_source")]).toEqual([
      "com.example.asked",
      "/shop",
    ]);
  });

  test("cannot hold a hex ID in 16 bytes", () => {
    expect(() => requestIn("spring-binary", { correlationId: hexId })).toThrow(TypeError);
  });
});

const read = (headers: readonly RecordHeader[], key: string | null = null) =>
  decodeReply({ key: key === null ? null : encodeText(key), value: body, headers });

describe("a reply is found", () => {
  const correlationHeaders = [...new Set(names.map((name) => dialects[name].correlationId))];

  test.each(correlationHeaders)(
    "by %s, in any case, whatever form the ID has and whatever the key",
    (name) => {
      expect(read([textHeader(name.toUpperCase(), hexId.toUpperCase())], "ada")).toMatchObject({
        envelope: { id: hexId, form: "hex" },
      });
      expect(read([textHeader(name, uuid)], "ada")).toMatchObject({ envelope: { id: uuid, form: "uuid" } });
      expect(read([{ key: name, value: uuidBytes }], "ada")).toMatchObject({ envelope: { id: uuid } });
      expect(correlationIdOf({ headers: [{ key: name, value: uuidBytes }], key: null })).toBe(uuid);
    },
  );

  test("first by our header, then by the dialects', then by the key", () => {
    const other = "cd".repeat(32);
    const rig = textHeader("rig-correlation", other);
    const spring = { key: "kafka_correlationId", value: uuidBytes };
    expect(read([rig, spring, textHeader("X-Correlation-ID", hexId)])).toMatchObject({
      envelope: { id: hexId },
    });
    expect(read([rig, spring], hexId)).toMatchObject({ envelope: { id: uuid } });
    expect(read([rig], hexId)).toMatchObject({ envelope: { id: other } });
  });

  test("past what a dialect's header means to others: a flow of events has an ID, too", () => {
    const flow = textHeader("ce_correlationid", "order-7");
    expect(read([flow], hexId)).toMatchObject({ envelope: { id: hexId } });
    expect(read([flow, textHeader("rig-correlation", uuid)])).toMatchObject({ envelope: { id: uuid } });
  });

  test("past what our header means to others: a service may have one of that name, too", () => {
    const own = textHeader("X-Correlation-ID", "order-7");
    const spring = { key: "kafka_correlationId", value: uuidBytes };
    expect(read([own, spring])).toMatchObject({ envelope: { id: uuid } });
    expect(read([own], hexId)).toEqual({ status: "foreign-id" });
  });

  test.each([
    ["text", encodeText("order-7")],
    ["16 bytes of another UUID version", Uint8Array.from(uuidBytes).fill(0x40, 6, 7)],
    ["16 letters", encodeText("abcdefghijklmnop")],
  ])("not when its only ID is %s: it is foreign", (_, value) => {
    expect(read([{ key: "kafka_correlationId", value }])).toEqual({ status: "foreign-id" });
    expect(read([{ key: "kafka_correlationId", value }], "ada")).toEqual({ status: "foreign-id" });
  });

  test("not by bytes that are neither text nor 16: then it has no ID", () => {
    expect(read([{ key: "kafka_correlationId", value: Uint8Array.of(0xff, 0xfe) }])).toEqual({
      status: "unreadable",
      reason: "no correlation ID",
    });
  });
});

describe("how it went", () => {
  const zilla = textHeader("zilla:correlation-id", hexId);

  test.each([
    ["zilla:correlation-id", ":status"],
    ["rig-correlation", "rig-response-code"],
    ["x-plt-kafka-hooks-correlation-id", "x-status-code"],
  ])("is said beside %s by %s", (correlation, status) => {
    const id = textHeader(correlation, hexId);
    expect(read([id])).toMatchObject({ envelope: { reply: { status: 200 } } });
    expect(read([id, textHeader(status, "404")])).toMatchObject({
      envelope: { reply: { status: 404, body } },
    });
    const unreadables = [encodeText("abc"), encodeText("099"), encodeText(""), Uint8Array.of(0xff)];
    for (const value of unreadables) {
      expect(read([id, { key: status, value }])).toMatchObject({
        status: "unreadable",
        addressee: { id: hexId },
      });
    }
  });

  test("is said in our words first", () => {
    const headers = [zilla, textHeader(":status", "201")];
    expect(read([...headers, textHeader("X-Reply-Status", "404")])).toMatchObject({
      envelope: { reply: { status: 404 } },
    });
    expect(read([...headers, textHeader("X-Reply-Error", "no_stock")])).toMatchObject({
      envelope: { reply: { status: 502, error: "no_stock" } },
    });
  });

  test("counts when a responder sends back all that it got, and then its own status", () => {
    for (const [name, status] of [
      ["zilla", ":status"],
      ["rig", "rig-response-code"],
      ["kafka-hooks", "x-status-code"],
    ] as const) {
      expect(read([...requestIn(name).headers, textHeader(status, "404")])).toMatchObject({
        envelope: { id: uuid, reply: { status: 404 } },
      });
    }
  });

  test("is not taken from a dialect that speaks of another exchange, nor from one that speaks of none", () => {
    const native = textHeader("X-Correlation-ID", uuid);
    expect(read([native, zilla, textHeader(":status", "404")])).toMatchObject({
      envelope: { id: uuid, reply: { status: 200 } },
    });
    expect(read([native, textHeader("x-status-code", "404")])).toMatchObject({
      envelope: { reply: { status: 200 } },
    });
  });

  test("an error of Nest is a 502 that tells what it says", () => {
    const said = '{"status":"error","message":"out of tea"}';
    const headers = [textHeader("kafka_correlationId", uuid), textHeader("kafka_nest-err", said)];
    expect(read(headers)).toMatchObject({
      envelope: { id: uuid, reply: { status: 502, error: "responder_failed", body: encodeText(said) } },
    });
  });

  test("a dead letter of Spring is a 502 that tells neither its exception nor the request it repeats", () => {
    const { headers } = requestIn("spring");
    const dead = [
      ...headers,
      textHeader("kafka_dlt-exception-fqcn", "com.example.OutOfTea"),
      textHeader("kafka_dlt-exception-message", "password=secret"),
    ];
    const decoded = read(dead);
    if (decoded.status !== "readable") throw new Error(decoded.status);
    expect(decoded.envelope.reply).toEqual({
      status: 502,
      error: "responder_failed",
      body: new Uint8Array(),
    });
  });
});

describe("our own kit", () => {
  test.each(names)(
    "answers a request in %s in our words, and sends back of its words the ID alone",
    (name) => {
      const request = requestIn(name);
      const address = decodeReplyAddress(request.headers);
      if (typeof address === "string") throw new Error(address);
      const reply = encodeReply(address, request.headers, {
        status: 201,
        body,
        sequence: 0,
        receivedAt: 1,
        repliedAt: 2,
      });
      expect(decodeReply(reply)).toMatchObject({ envelope: { id: uuid, reply: { status: 201 } } });
      expect(correlationIdForm(address.correlationId)?.id).toBe(uuid);
      const native = new Set(requestIn().headers.map(({ key }) => key));
      const foreign = request.headers.filter(({ key }) => !native.has(key) && key !== "content-type");
      expect(foreign.length).toBeGreaterThan(0);
      expect(reply.headers.filter((header) => foreign.includes(header)).map(({ key }) => key)).toEqual([
        dialects[name].correlationId,
      ]);
    },
  );
});
