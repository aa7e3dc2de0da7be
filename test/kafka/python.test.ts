// A responder that shares no line with ours, in another language and on Kafka's own protocol: what docs/protocol.md
// says is enough.

import { createTestHarness } from "wrangler";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import {
  decodeReply,
  decodeText,
  encodeText,
  partitionForKey,
  textHeader,
  type KafkaRecord,
} from "../../protocol/index.ts";
import { atOnce } from "../support/bridge.ts";
import { runCommand, type RunningCommand } from "../support/command.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import { credentialsFor, startBridgeProcess } from "../support/loop.ts";
import { pythonMissing, pythonPackages } from "../support/python.ts";

const brokers = inject("kafkaBrokers");
const missing = pythonMissing();
if (missing !== undefined) {
  if (process.env["HEARBACK_REQUIRE_KAFKA"] === "1") throw new Error(missing);
  console.log(`${missing} Its tests are skipped.`);
}

describe.skipIf(brokers === null || missing !== undefined)("a responder in Python", () => {
  const cleanups: (() => unknown)[] = [];
  let kafka: ReturnType<typeof openKafka>;
  let responder: RunningCommand;
  let url: string;

  beforeAll(async () => {
    const broker = brokers ?? "";
    const topics = ["texts.requests", "texts.replies", "elsewhere"];
    await createTopics(broker, new Map(topics.map((topic) => [topic, 3])));
    kafka = openKafka({ brokers: [broker], onEvent: () => undefined });
    cleanups.push(() => kafka.close());
    const bridge = await startBridgeProcess(0, { brokers: broker });
    cleanups.push(() => bridge.stop());
    const gateway = createTestHarness({
      workers: [
        {
          config: {
            name: "hearback-texts",
            main: new URL("../fixtures/texts/entry.ts", import.meta.url).pathname,
            compatibility_date: "2026-10-23",
            compatibility_flags: ["enable_request_signal"],
            vars: { ...credentialsFor(bridge.url), HEARBACK_OPERATOR_ACCESS: "open" },
            durable_objects: {
              bindings: [
                { name: "WAITER", class_name: "Waiter" },
                { name: "REPLY_DRAIN", class_name: "ReplyDrain" },
              ],
            },
            migrations: [{ tag: "v1", new_sqlite_classes: ["Waiter", "ReplyDrain"] }],
          },
        },
      ],
    });
    cleanups.push(() => gateway.close());
    url = (await gateway.listen()).url.origin;
    responder = runCommand("python3", ["examples/python/responder.py", broker], {
      env: { PYTHONPATH: pythonPackages() },
    });
    cleanups.push(async () => {
      responder.signal("SIGKILL");
      await responder.ended;
    });
    await responder.printed(/^answering texts\.requests$/m);
  });
  afterAll(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  });

  const ask = (body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${url}/texts`, { method: "POST", body, headers: { "content-type": "text/plain", ...headers } });

  async function repliesIn(topic: string): Promise<readonly KafkaRecord[]> {
    const records = await kafka.log.fetch(
      [0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })),
      atOnce,
    );
    return records;
  }

  test("answers an HTTP call, and its reply carries the headers that should travel back and no others", async () => {
    const answer = await ask("the quick brown fox, zürich", {
      "x-correlation-id": "client-1",
      "x-tenant": "acme",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await answer.json()).toEqual({ words: 5, characters: 27 });
    const id = answer.headers.get("x-correlation-id");
    const reply = (await repliesIn("texts.replies")).find(({ key }) => key && decodeText(key) === id);
    expect(reply?.headers.map(({ key }) => key).toSorted()).toEqual([
      "Content-Type",
      "X-Client-Correlation-ID",
      "X-Correlation-ID",
      "X-Creation-Timestamp",
      "X-Deadline",
      "X-Keep-Until",
      "traceparent",
      "x-tenant",
    ]);
  });

  test("says at once what it cannot answer: a problem+json with its status, code and words", async () => {
    const answer = await ask(Uint8Array.of(0xff, 0xfe));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({ code: "not_utf8", detail: "The text is not UTF-8." });
  });

  test("does not know its caller: a plain record is answered where it says, on the partition of its key", async () => {
    const headers = [textHeader("x-correlation-id", "order-7"), textHeader("x-reply-topic", "elsewhere")];
    await kafka.log.produce([{ topic: "texts.requests", key: null, value: encodeText("a b c"), headers }]);
    await expect.poll(() => repliesIn("elsewhere"), { timeout: 10_000 }).toHaveLength(1);
    const [reply] = await repliesIn("elsewhere");
    expect(reply?.value && decodeText(reply.value)).toBe('{"words": 3, "characters": 5}');
    expect(reply?.partition).toBe(partitionForKey(encodeText("order-7"), 3));
  });

  test("skips what nobody waits for or nobody could be told, and goes on with what is behind it", async () => {
    const before = (await repliesIn("texts.replies")).length;
    const late = [
      textHeader("X-Correlation-ID", "a".repeat(64)),
      textHeader("X-Reply-Topic", "texts.replies"),
      textHeader("X-Reply-Partition", "0"),
      textHeader("X-Deadline", String(Date.now() - 6_000)),
    ];
    const unclear = [...late.slice(0, 2), textHeader("X-Reply-Partition", "first")];
    const nowhere = [...late.slice(0, 2), textHeader("X-Reply-Partition", "99")];
    for (const headers of [late, unclear, nowhere, []]) {
      // In front of what comes next, whichever partition that is on.
      await kafka.log.produce(
        [0, 1, 2].map((partition) => ({
          topic: "texts.requests",
          partition,
          key: null,
          value: null,
          headers,
        })),
      );
    }
    const answer = await ask("");
    expect([answer.status, await answer.json()]).toEqual([200, { words: 0, characters: 0 }]);
    const replies = await repliesIn("texts.replies");
    expect(replies.length - before).toBe(1);
    expect(replies.map(decodeReply).filter(({ status }) => status !== "readable")).toEqual([]);
  });

  test("ends on SIGTERM with its work committed", async () => {
    responder.signal("SIGTERM");
    expect(await responder.ended).toBe(0);
    expect(responder.output()).toMatch(/^stopped: \{"answered": \d+, "skipped": 9\}$/m);
    const partitions = [0, 1, 2].map((partition) => ({ topic: "texts.requests", partition }));
    const ends = await kafka.log.offsets("latest", partitions);
    const committed = await kafka.groups.committed("texts", partitions);
    expect(committed.map(({ offset }) => offset)).toEqual(ends.map(({ offset }) => offset));
  });
});
