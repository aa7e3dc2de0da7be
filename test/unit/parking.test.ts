// What a parked caller and its waiter send each other.

import { describe, expect, test } from "vitest";
import {
  decodeParked,
  decodeParkedOutcome,
  encodeParked,
  encodeParkedOutcome,
  type Parked,
  type ParkedOutcome,
} from "../../durable/parking.ts";
import { encodeText } from "../../protocol/index.ts";

/** A message whose head is this text, as an object of any version might send it. */
function messageOf(head: string, { claimed = encodeText(head).byteLength, body = new Uint8Array() } = {}) {
  const bytes = encodeText(head);
  const message = new Uint8Array(4 + bytes.byteLength + body.byteLength);
  new DataView(message.buffer).setUint32(0, claimed);
  message.set(bytes, 4);
  message.set(body, 4 + bytes.byteLength);
  return message.buffer;
}

/** As it arrives: in a buffer of its own. */
const sent = (outcome: ParkedOutcome): ArrayBuffer => encodeParkedOutcome(outcome).slice().buffer;

describe("the message that ends the wait", () => {
  test.each<ParkedOutcome>([
    { status: "expired", deadlineAt: 1_795_000_000_000 },
    { status: "cancelled" },
    { status: "refused", retryAfter: 7 },
    { status: "refused", retryAfter: 0, tooLarge: true },
    { status: "gone" },
    { status: "forbidden" },
  ])("says $status as it was", (outcome) => {
    expect(decodeParkedOutcome(sent(outcome))).toEqual(outcome);
  });

  test.each([
    ["empty", new Uint8Array()],
    ["of every byte", Uint8Array.from({ length: 256 }, (_, at) => at)],
    ["of a megabyte", Uint8Array.from({ length: 1_048_576 }, (_, at) => (at * 31) % 256)],
  ])("carries a reply whose body is %s", (_, body) => {
    const outcome: ParkedOutcome = { status: "replied", reply: { status: 201, contentType: "a/b", body } };
    const decoded = decodeParkedOutcome(sent(outcome));
    expect(decoded).toEqual(outcome);
  });

  test("carries how a reply is compressed, and whose exchange it ends", () => {
    const outcome: ParkedOutcome = {
      status: "replied",
      reply: { status: 200, contentType: "a/b", contentEncoding: "gzip", body: Uint8Array.of(31, 139) },
      service: "predict",
    };
    expect(decodeParkedOutcome(sent(outcome))).toEqual(outcome);
  });

  test("carries a reply's error, in any script, and a body that is part of a larger buffer", () => {
    const large = encodeText("before, the body, after");
    const outcome: ParkedOutcome = {
      status: "replied",
      reply: { status: 500, error: "überlastet 🚧", body: large.subarray(8, 16) },
    };
    expect(decodeParkedOutcome(sent(outcome))).toEqual({
      status: "replied",
      reply: { status: 500, error: "überlastet 🚧", body: encodeText("the body") },
    });
  });

  test("that no waiter of this version sends is none", () => {
    const nonsense = [
      new ArrayBuffer(0),
      new ArrayBuffer(3),
      new ArrayBuffer(4),
      encodeText("no head at all").slice().buffer,
      messageOf('{"status":"cancelled"}', { claimed: 4_000_000_000 }),
      messageOf('{"status":"cancelled"}', { claimed: 5 }),
      messageOf("null"),
      messageOf("5"),
      messageOf("[]"),
      messageOf('"cancelled"'),
      messageOf("{}"),
      messageOf('{"status":"waiting"}'),
      messageOf('{"status":"promoted"}'),
      messageOf('{"status":"toString"}'),
      messageOf('{"status":"replied"}', { body: new Uint8Array(3) }),
      messageOf('{"status":"replied","reply":{}}', { body: new Uint8Array(3) }),
    ];
    for (const message of nonsense) expect(decodeParkedOutcome(message)).toBeUndefined();
    const brokenText = messageOf("{}");
    new Uint8Array(brokenText).set([0xff, 0xfe], 4);
    expect(decodeParkedOutcome(brokenText)).toBeUndefined();
  });
});

describe("what is asked for with the upgrade", () => {
  const wishes: readonly Parked[] = [
    { kind: "plain", spec: { deadlineAt: 5_000, replyTopic: "replies", service: "shop" } },
    { kind: "durable", principal: "" },
    { kind: "durable", principal: '["https://issuer","Zoë 🚀"]', deadlineAt: 5_000 },
  ];

  test("is read as it was written", () => {
    for (const parked of wishes) expect(decodeParked(encodeParked(parked))).toEqual(parked);
  });

  test("is text that a header may have, whoever asks", () => {
    for (const parked of wishes) expect(encodeParked(parked)).toMatch(/^[\x20-\x7e]*$/);
  });

  test("is nothing for what no gateway sends", () => {
    for (const text of [null, "", "{", "null", "5", "[]", "{}", '{"kind":"other"}']) {
      expect(decodeParked(text)).toBeUndefined();
    }
  });
});
