// The signature of callbacks against the library of its specification, and the form of the secrets.

import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { encodeText, parseWebhookSecrets, signWebhook, toBase64 } from "../../protocol/index.ts";

const keyOf = (bytes: number, fill: number) => new Uint8Array(bytes).fill(fill);
const secretOf = (key: Uint8Array) => `whsec_${toBase64(key)}`;
const now = () => Math.floor(Date.now() / 1_000);

async function headersOf(keys: readonly Uint8Array[], body: string, timestamp = now()) {
  const id = "abc_1_replied";
  const signature = await signWebhook(keys, { id, timestamp, body: encodeText(body) });
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signature };
}

test.each(["{}", '{"text":"Äpfel, 文字, \\u0000"}', `{"large":"${"x".repeat(300_000)}"}`])(
  "what is signed here is accepted there: %.40s",
  async (body) => {
    const key = keyOf(32, 7);
    const headers = await headersOf([key], body);
    expect(new Webhook(secretOf(key)).verify(body, headers)).toEqual(JSON.parse(body));
  },
);

test("a change of body, ID, time or secret is not accepted", async () => {
  const key = keyOf(32, 7);
  const headers = await headersOf([key], "{}");
  const receiver = new Webhook(secretOf(key));
  expect(() => receiver.verify('{"a":1}', headers)).toThrow("No matching signature");
  expect(() => receiver.verify("{}", { ...headers, "webhook-id": "abc_1_expired" })).toThrow("No matching");
  const later = { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) };
  expect(() => receiver.verify("{}", later)).toThrow("No matching");
  expect(() => new Webhook(secretOf(keyOf(32, 8))).verify("{}", headers)).toThrow("No matching");
});

test("each of several secrets signs, so that a receiver may know any one of them", async () => {
  const keys = [keyOf(24, 1), keyOf(64, 2)];
  const headers = await headersOf(keys, "{}");
  expect(headers["webhook-signature"]).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
  for (const key of keys) expect(new Webhook(secretOf(key)).verify("{}", headers)).toEqual({});
});

describe("secrets", () => {
  test("are one or several, with spaces between", () => {
    const [a, b] = [keyOf(24, 1), keyOf(64, 2)];
    expect(parseWebhookSecrets(secretOf(a))).toEqual({ ok: true, keys: [a] });
    expect(parseWebhookSecrets(` ${secretOf(a)}  ${secretOf(b)}\n`)).toEqual({ ok: true, keys: [a, b] });
  });

  test.each([
    ["nothing", ""],
    ["spaces", "  "],
    ["no prefix", toBase64(keyOf(32, 1))],
    ["the prefix alone", "whsec_"],
    ["no base64", "whsec_ä"],
    ["23 bytes", secretOf(keyOf(23, 1))],
    ["65 bytes", secretOf(keyOf(65, 1))],
    ["a private key", `whsk_${toBase64(keyOf(32, 1))}`],
    ["a good one and a bad one", `${secretOf(keyOf(32, 1))} whsec_short`],
    ["commas", `${secretOf(keyOf(32, 1))},${secretOf(keyOf(32, 2))}`],
  ])("of %s are refused, and not said back", (_, text) => {
    const parsed = parseWebhookSecrets(text);
    expect(parsed.ok).toBe(false);
    expect(JSON.stringify(parsed)).not.toContain(toBase64(keyOf(32, 1)).slice(0, 20));
  });
});
