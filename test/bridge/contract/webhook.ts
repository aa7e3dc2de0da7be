// What /webhook promises over any backend.

import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import type { BackendUnderTest } from "./backend.ts";
import { eventually, open, type Message } from "./group-client.ts";

export function webhookContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: the webhook`, () => {
    test("a webhook's body becomes the value, byte for byte, and its own headers the record's", async () => {
      const { newTopic, call } = await open(backend);
      const topic = await newTopic(1);
      const body = Buffer.from([0x7b, 0xff, 0x00]);
      const headers = {
        "content-type": "text/plain",
        "user-agent": "hook",
        "accept-language": "de",
        "x-forwarded-for": "192.0.2.1",
        "cf-ray": "1",
        "X-Event": "push",
        "x-event-id": "7",
      };
      const sent = await call(`/webhook?topic=${topic}`, { body, headers });
      expect(sent.json).toEqual({ topic, partition: 0, offset: 0, timestamp: expect.any(Number) });
      const get = await call(`/webhook/?topic=${topic}`);
      expect(get.json).toMatchObject({ topic, partition: 0, offset: 1 });
      const [record, empty] = await eventually(async () => {
        const position = { topic, partition: 0, offset: 0, timeout: 500 };
        const { json } = await call("/hearback/fetch", {
          body: { topicPartitionOffsets: [position], timeout: 500 },
        });
        return Array.isArray(json) && json.length === 2 ? (json as readonly Message[]) : undefined;
      });
      expect(record).toMatchObject({ key: null, value: body.toString("base64") });
      expect(record?.headers).toEqual([
        { key: "X-Event", value: Buffer.from("push").toString("base64") },
        { key: "x-event-id", value: Buffer.from("7").toString("base64") },
      ]);
      expect(empty).toMatchObject({ value: "", headers: [] });
    });

    test("a webhook without a topic, or with a name that none can have, is 400", async () => {
      const { call } = await open(backend);
      expect((await call("/webhook", { body: "x" })).status).toBe(400);
      expect((await call("/webhook?topic=a%20b", { body: "x" })).status).toBe(400);
    });
  });
}
