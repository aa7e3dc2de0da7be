// The wire: header tables, IDs, partitions, and records there and back.

import { describe, expect, test } from "vitest";
import {
  correlationIdForm,
  decodeReply,
  decodeReplyAddress,
  deriveUuid,
  encodeCancel,
  encodeReply,
  encodeRequest,
  encodeText,
  fromBase64,
  fromWireRecord,
  importUuidKey,
  isCancel,
  isExpired,
  isOwnedRecordHeader,
  mintUuid,
  partitionForKey,
  readHeader,
  textHeader,
  toBase64,
  toWireRecord,
  verifyUuid,
  type CorrelationId,
  type RecordHeader,
  type RequestEnvelope,
} from "../../protocol/index.ts";

const hexId = "ab".repeat(32);
const envelope: RequestEnvelope = {
  correlationId: hexId,
  replyTopic: "replies",
  replyPartition: 2,
  createdAt: 1_790_000_000_000,
  deadlineAt: 1_790_000_005_000,
  keepUntil: 1_790_000_005_000,
  attempt: 1,
  method: "POST",
  path: "/predict",
  query: "?x=1",
  forwarded: [
    ["Content-Type", "application/json"],
    ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ["x-tenant", "ölbaum"],
  ],
};

describe("the request record", () => {
  const body = Uint8Array.of(0, 255, 10);
  const record = encodeRequest("requests", hexId, body, envelope);

  test("[A4] carries its metadata in headers and the body untouched in its value", () => {
    expect(record.value).toBe(body);
    const header = (name: string) => readHeader(record.headers, name);
    expect(header("X-Correlation-ID")).toBe(hexId);
    expect(header("X-Reply-Topic")).toBe("replies");
    expect(header("X-Reply-Partition")).toBe("2");
    expect(header("X-Creation-Timestamp")).toBe("1790000000000");
    expect(header("X-Deadline")).toBe("1790000005000");
    expect(header("X-Keep-Until")).toBe("1790000005000");
    expect(header("X-Produce-ID")).toBe(`${hexId}:1`);
    expect(header("X-Http-Method")).toBe("POST");
    expect(header("X-Http-Query")).toBe("?x=1");
    expect(header("x-tenant")).toBe("ölbaum");
  });

  test("names no partition where the reply finds its own, and then nothing stands in the way of the key", () => {
    const { replyPartition: _, ...unrouted } = envelope;
    const { headers } = encodeRequest("requests", hexId, body, unrouted);
    expect(readHeader(headers, "X-Reply-Partition")).toBeUndefined();
    const address = decodeReplyAddress(headers);
    if (typeof address === "string") throw new Error(address);
    const reply = encodeReply(address, headers, {
      status: 200,
      body,
      sequence: 0,
      receivedAt: 1,
      repliedAt: 2,
    });
    expect(reply).toMatchObject({ topic: "replies", key: encodeText(hexId) });
    expect(reply.partition).toBeUndefined();
  });

  test("is the same for the same arguments, so that a repeated produce can be absorbed", () => {
    expect(encodeRequest("requests", hexId, body, envelope)).toEqual(record);
  });

  test("tells a responder its address and deadline, or what of it is missing or no number", () => {
    expect(decodeReplyAddress(record.headers)).toEqual({
      correlationId: hexId,
      replyTopic: "replies",
      replyPartition: 2,
      createdAt: 1_790_000_000_000,
      deadlineAt: 1_790_000_005_000,
      keepUntil: 1_790_000_005_000,
    });
    expect(decodeReplyAddress([textHeader("X-Correlation-ID", hexId)])).toBe("reply_topic_missing");
    expect(decodeReplyAddress([...record.headers, textHeader("x-reply-partition", "-1")])).toBe(
      "reply_partition_unreadable",
    );
  });

  test("is expired only beyond the allowance for clocks that differ", () => {
    const address = { correlationId: hexId, replyTopic: "replies", deadlineAt: 10_000 };
    expect(isExpired(address, 15_000)).toBe(false);
    expect(isExpired(address, 15_001)).toBe(true);
    expect([isExpired(address, 10_100, 100), isExpired(address, 10_101, 100)]).toEqual([false, true]);
    expect(isExpired({ correlationId: hexId, replyTopic: "replies" }, Infinity)).toBe(false);
  });
});

describe("the cancel record", () => {
  const cancel = {
    correlationId: hexId,
    attempt: 2,
    deadlineAt: 1_790_000_005_000,
    cancelledAt: 1_790_000_001_000,
  };
  const record = encodeCancel("requests", "user-ö", cancel);

  test("follows the request by topic and key, has no value, and says when it was cancelled", () => {
    const request = encodeRequest("requests", "user-ö", new Uint8Array(), { ...envelope, attempt: 2 });
    expect(record).toMatchObject({ topic: request.topic, key: request.key, value: null });
    expect(record.partition).toBeUndefined();
    expect(record.headers).toEqual([
      textHeader("X-Correlation-ID", hexId),
      textHeader("X-Cancel", "true"),
      textHeader("X-Produce-ID", `${hexId}:2:cancel`),
      textHeader("X-Deadline", "1790000005000"),
      textHeader("X-Creation-Timestamp", "1790000001000"),
    ]);
    expect(encodeCancel("requests", "user-ö", cancel)).toEqual(record);
  });

  test("is told from a request, and has nowhere to be answered by who knows nothing of cancelling", () => {
    expect(isCancel(record.headers)).toBe(true);
    expect(isCancel(encodeRequest("requests", hexId, new Uint8Array(), envelope).headers)).toBe(false);
    expect(decodeReplyAddress(record.headers)).toBe("reply_topic_missing");
  });
});

describe("the reply record", () => {
  const request = encodeRequest("requests", hexId, new Uint8Array(), envelope);
  const address = decodeReplyAddress(request.headers);
  if (typeof address === "string") throw new Error("the request has an address");
  const reply = {
    status: 201,
    contentType: "text/plain",
    body: encodeText("ok"),
    sequence: 0,
    receivedAt: 1,
    repliedAt: 2,
  };
  const record = encodeReply(address, request.headers, reply);

  test("[A6, B10] goes where the request wants it, keyed by the correlation ID, with what must be copied", () => {
    expect(record).toMatchObject({ topic: "replies", partition: 2, key: encodeText(hexId) });
    const names = record.headers.map(({ key }) => key);
    for (const copied of [
      "X-Correlation-ID",
      "X-Creation-Timestamp",
      "X-Deadline",
      "X-Keep-Until",
      "traceparent",
      "x-tenant",
    ]) {
      expect(names).toContain(copied);
    }
    for (const dropped of ["X-Reply-Topic", "X-Reply-Partition", "X-Http-Method", "X-Http-Path"]) {
      expect(names).not.toContain(dropped);
    }
    expect(readHeader(record.headers, "X-Produce-ID")).toBe(`${hexId}:1:0`);
    expect(readHeader(record.headers, "Content-Type")).toBe("text/plain");
  });

  test("is read back as it was sent", () => {
    expect(decodeReply(record)).toEqual({
      status: "readable",
      envelope: {
        id: hexId,
        form: "hex",
        keepUntil: 1_790_000_005_000,
        reply: { status: 201, contentType: "text/plain", body: encodeText("ok") },
      },
    });
  });

  test("says how it is compressed for itself: what the request was does not travel back", () => {
    const compressed = encodeRequest("requests", hexId, new Uint8Array(), {
      ...envelope,
      forwarded: [["Content-Encoding", "br"]],
    });
    const encodingOf = (contentEncoding?: string) =>
      readHeader(
        encodeReply(address, compressed.headers, {
          ...reply,
          ...(contentEncoding === undefined ? {} : { contentEncoding }),
        }).headers,
        "Content-Encoding",
      );
    expect([encodingOf(), encodingOf("gzip")]).toEqual([undefined, "gzip"]);
  });

  const read = (headers: readonly RecordHeader[], key: string | null = null) =>
    decodeReply({ key: key === null ? null : encodeText(key), value: encodeText("x"), headers });
  const id = textHeader("X-Correlation-ID", hexId);

  test("may carry its ID in the key alone, in any case, and of duplicate headers the last one wins", () => {
    expect(read([], hexId.toUpperCase())).toMatchObject({ status: "readable", envelope: { id: hexId } });
    expect(read([textHeader("x-correlation-id", "other"), id])).toMatchObject({ status: "readable" });
  });

  test.each([
    ["gzip", "readable"],
    ["br, gzip", "readable"],
    ["x-own+coding", "readable"],
    ["", "unreadable"],
    ["gzip,", "unreadable"],
    ["gzip\r\nX-Evil: 1", "unreadable"],
    ["g zip", "unreadable"],
    ["g".repeat(65), "unreadable"],
  ])("with the content encoding %j is %s", (encoding, status) => {
    const decoded = read([id, textHeader("content-encoding", encoding)]);
    expect(decoded.status).toBe(status);
    if (decoded.status === "readable") expect(decoded.envelope.reply.contentEncoding).toBe(encoding);
  });

  test("has status 200 unless it says otherwise, and 502 when it says only that it is an error", () => {
    expect(read([id])).toMatchObject({ envelope: { reply: { status: 200 } } });
    expect(read([id, textHeader("X-Reply-Error", "no_stock")])).toMatchObject({
      envelope: { reply: { status: 502, error: "no_stock" } },
    });
  });

  test("of one part is whole", () => {
    const parts = [textHeader("X-Reply-Sequence", "0"), textHeader("X-Reply-End", "true")];
    expect(read([id, ...parts])).toMatchObject({ status: "readable" });
  });

  test("is unreadable without an ID, and foreign with one that cannot be ours", () => {
    expect(read([])).toEqual({ status: "unreadable", reason: "no correlation ID" });
    expect(read([textHeader("X-Correlation-ID", "txn-1")])).toEqual({ status: "foreign-id" });
  });

  test.each([
    ["status 1000", "X-Reply-Status", "1000"],
    ["status 101", "X-Reply-Status", "101"],
    ["a status in words", "X-Reply-Status", "OK"],
    ["an error that is no code", "X-Reply-Error", "a b"],
    ["an error and a status of success", "X-Reply-Error", "odd", "204"],
    ["a part of several", "X-Reply-Sequence", "0"],
    ["a later part", "X-Reply-Sequence", "3"],
    ["a content type with a line break", "Content-Type", "text/plain\r\nX-Evil: 1"],
  ])("with %s is unreadable, but its caller is known", (_, name, value, status?: string) => {
    const more = status === undefined ? [] : [textHeader("X-Reply-Status", status)];
    expect(read([id, textHeader(name, value), ...more])).toMatchObject({
      status: "unreadable",
      addressee: { id: hexId, form: "hex" },
    });
  });
});

test.each(["X-Reply-Status", "X-Reply-Error", "Content-Type", "X-Reply-Sequence", "X-Reply-End"])(
  "a reply whose %s is not UTF-8 is unreadable, and not read as if it were absent",
  (key) => {
    const headers = [textHeader("X-Correlation-ID", hexId), { key, value: Uint8Array.of(0xff) }];
    expect(decodeReply({ key: null, value: null, headers })).toMatchObject({
      status: "unreadable",
      reason: `${key} is not UTF-8`,
      addressee: { id: hexId },
    });
  },
);

describe("correlation IDs", () => {
  test("are 64 hex digits or a UUIDv8; anything else is not ours", () => {
    expect(correlationIdForm(hexId)?.form).toBe("hex");
    expect(correlationIdForm("019a0b0c-0d0e-8abc-9def-0123456789ab")?.form).toBe("uuid");
    // is about a UUID of another version, too.
    for (const text of ["", "x", hexId.slice(1), "550e8400-e29b-41d4-a716-446655440000", `${hexId}0`]) {
      expect(correlationIdForm(text)).toBeUndefined();
    }
  });

  test("a signed UUID is verified by its key; a changed one, or one of another key, is not", async () => {
    const key = await importUuidKey("one secret");
    const id = await mintUuid(1_790_000_000_000, crypto.getRandomValues(new Uint8Array(6)), key);
    expect(correlationIdForm(id)).toEqual({ form: "uuid", id });
    expect(await verifyUuid(id, key)).toBe(true);
    expect(await verifyUuid(id, await importUuidKey("another secret"))).toBe(false);
    const forged = id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
    expect(await verifyUuid(forged as CorrelationId, key)).toBe(false);
  });

  test("signed UUIDs of one moment do not repeat", async () => {
    const key = await importUuidKey("one secret");
    const ids = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        mintUuid(1_790_000_000_000, crypto.getRandomValues(new Uint8Array(6)), key),
      ),
    );
    expect(new Set(ids).size).toBe(1_000);
  });
});

describe("a derived UUID", () => {
  test("belongs to its name and key, and to no other", async () => {
    const key = await importUuidKey("one secret");
    const id = await deriveUuid("a name", key);
    expect(correlationIdForm(id)).toEqual({ form: "uuid", id });
    expect(await deriveUuid("a name", await importUuidKey("one secret"))).toBe(id);
    const others = [
      await deriveUuid("another name", key),
      await deriveUuid("", key),
      await deriveUuid("a name", await importUuidKey("another secret")),
    ];
    expect(new Set([id, ...others]).size).toBe(4);
  });

  test("is verified as a minted one is, and a changed one is not", async () => {
    const key = await importUuidKey("one secret");
    for (let at = 0; at < 100; at++) {
      const id = await deriveUuid(`name ${at}`, key);
      expect(correlationIdForm(id)?.form).toBe("uuid");
      expect(await verifyUuid(id, key)).toBe(true);
      expect(await verifyUuid(id, await importUuidKey("another secret"))).toBe(false);
      const forged = (id.startsWith("0") ? "1" : "0") + id.slice(1);
      expect(await verifyUuid(forged as CorrelationId, key)).toBe(false);
    }
  });

  test("stays what it was: exchanges of yesterday's keys must be found", async () => {
    expect(await deriveUuid("a name", await importUuidKey("one secret"))).toBe(
      "7cc68ce8-5af7-8b5e-82ed-1bed3a5dac17",
    );
  });
});

describe("partitions", () => {
  test.each([
    ["a", 4],
    ["550e8400-e29b-41d4-a716-446655440000", 11],
    ["user_1", 3],
    ["gateway-3-000001", 0],
  ])("of key %s among 12 is %i, as Java's partitioner has it", (key, partition) => {
    expect(partitionForKey(encodeText(key), 12)).toBe(partition);
  });
});

describe("bytes on the wire", () => {
  test("[A21] every byte value survives base64, and what is no base64 is told apart", () => {
    const all = Uint8Array.from({ length: 20_000 }, (_, at) => at % 256);
    expect(fromBase64(toBase64(all))).toEqual(all);
    expect(fromBase64("%%%")).toBeUndefined();
  });

  test("[A21] a record survives the wire: binary, empty and null keys and values, repeated headers in order", () => {
    const record = {
      topic: "t",
      partition: 1,
      offset: 5,
      timestamp: 7,
      key: null,
      value: new Uint8Array(),
      headers: [textHeader("a", "ä"), { key: "a", value: Uint8Array.of(0, 255) }],
    };
    expect(fromWireRecord(toWireRecord(record))).toEqual(record);
    expect(fromWireRecord(toWireRecord({ ...record, key: Uint8Array.of(128), value: null }))).toMatchObject({
      key: Uint8Array.of(128),
      value: null,
    });
  });
});

test("a client or a config can never name one of the gateway's own record headers, in any case", () => {
  expect(isOwnedRecordHeader("x-principal")).toBe(true);
  expect(isOwnedRecordHeader("X-REPLY-TOPIC")).toBe(true);
  expect(isOwnedRecordHeader("accept-language")).toBe(false);
});
