// What a reply is like, and what it says when something went wrong on the way to it.

import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  maxRecordBytes,
  partitionForKey,
  encodeText,
  readHeader,
  textHeader,
  type KafkaRecord,
} from "../../../protocol/index.ts";
import type { HandlerReply } from "../../../responder/index.ts";
import { setStage, textOf, type Home } from "./stage.ts";

const statusOf = ({ headers }: KafkaRecord) => readHeader(headers, "X-Reply-Status");
const errorOf = ({ headers }: KafkaRecord) => readHeader(headers, "X-Reply-Error");

export function replyCases(home: () => Promise<Home>): void {
  describe("replies", () => {
    test("[A6, C2, B10] go to the address of the request, keyed by its ID, with what the protocol wants copied", async () => {
      const stage = await setStage(await home());
      const responder = stage.start((message) => ({ json: { echo: message.text() } }), { name: "one" });
      const id = await stage.request("hello", {
        clientCorrelationId: "mine",
        forwarded: [
          ["traceparent", "00-1-2-03"],
          ["content-type", "text/plain"],
          ["x-unknown", "kept"],
        ],
        query: "?q=1",
      });
      const reply = await stage.replyTo(id);
      expect([textOf(reply), reply.partition, new TextDecoder().decode(reply.key ?? undefined)]).toEqual([
        '{"echo":"hello"}',
        1,
        id,
      ]);
      const header = (name: string) => readHeader(reply.headers, name);
      expect({
        status: header("X-Reply-Status"),
        type: header("Content-Type"),
        responder: header("X-Responder"),
        trace: header("traceparent"),
        client: header("X-Client-Correlation-ID"),
        unknown: header("x-unknown"),
        produceId: header("X-Produce-ID"),
      }).toEqual({
        status: "200",
        type: "application/json",
        responder: "one",
        trace: "00-1-2-03",
        client: "mine",
        unknown: "kept",
        produceId: `${id}:1:0`,
      });
      for (const name of ["X-Deadline", "X-Keep-Until", "X-Creation-Timestamp"])
        expect(header(name)).toMatch(/^\d+$/);
      for (const name of [
        "X-Reply-Topic",
        "X-Reply-Partition",
        "X-Http-Path",
        "X-Http-Query",
        "X-Reply-Sequence",
      ]) {
        expect(header(name)).toBeUndefined();
      }
      expect(Number(header("X-Stage-Replied"))).toBeGreaterThanOrEqual(Number(header("X-Stage-Received")));
      await expect.poll(() => responder.counts).toMatchObject({ received: 1, replied: 1, failed: 0 });
    });

    test("[B6, B10] without a partition in the request land where Java's partitioner puts their key", async () => {
      const stage = await setStage(await home());
      stage.start(() => ({ body: "x" }));
      const ids = await Promise.all(
        Array.from({ length: 8 }, () => stage.request("x", { without: "X-Reply-Partition" })),
      );
      for (const id of ids) {
        expect((await stage.replyTo(id)).partition).toBe(partitionForKey(encodeText(id), 2));
      }
    });

    test("a caller that is no gateway is served by the same responder, to its own topic, by its own ID", async () => {
      const stage = await setStage(await home());
      const own = `${stage.requests}.bare`;
      await stage.home.createTopic(own, 1);
      stage.start((message) => ({ body: message.text().toUpperCase() }), {
        replyTopics: [`${stage.requests}.*`],
      });
      const fromGateway = await stage.request("http");
      const correlationId = "550e8400-e29b-41d4-a716-446655440000";
      await stage.append({
        key: null,
        value: encodeText("bare"),
        headers: [textHeader("x-correlation-id", correlationId), textHeader("x-reply-topic", own)],
      });
      const [reply] = await stage.recordsIn(own, 1);
      expect([reply && textOf(reply), reply && readHeader(reply.headers, "X-Correlation-ID")]).toEqual([
        "BARE",
        correlationId,
      ]);
      expect(textOf(await stage.replyTo(fromGateway))).toBe("HTTP");
    });

    test("[D4] a handler that throws is a 502 at once, without a word of its message, and the next one is served", async () => {
      const stage = await setStage(await home());
      const responder = stage.start((message) => {
        if (message.text() === "bad") throw new Error("secret");
        return { body: "fine" };
      });
      const bad = await stage.replyTo(await stage.request("bad"));
      expect([statusOf(bad), errorOf(bad), textOf(bad)]).toEqual(["502", "responder_failed", ""]);
      expect(textOf(await stage.replyTo(await stage.request("good")))).toBe("fine");
      expect(responder.events).toMatchObject([{ type: "handler-failed", cause: { message: "secret" } }]);
      await expect.poll(() => responder.counts).toMatchObject({ failed: 1, replied: 1 });
    });

    test("say what a handler wants them to: an error of its own, nothing at all, a status that HTTP has not", async () => {
      const stage = await setStage(await home());
      stage.start((message, context) => {
        switch (message.text()) {
          case "fail":
            return context.fail(404, "basket_unknown", "There is no such basket");
          case "silent":
            return undefined;
          default:
            return { status: 99 };
        }
      });
      const failed = await stage.replyTo(await stage.request("fail"));
      expect([statusOf(failed), errorOf(failed), textOf(failed)]).toEqual([
        "404",
        "basket_unknown",
        "There is no such basket",
      ]);
      expect(statusOf(await stage.replyTo(await stage.request("silent")))).toBe("204");
      expect(errorOf(await stage.replyTo(await stage.request("odd")))).toBe("responder_failed");
    });

    test("to a body that is no JSON are a 400, to one that breaks the schema a 422 with all that is wrong", async () => {
      const stage = await setStage(await home());
      stage.start(({ input }) => ({ json: input.items.length }), {
        input: v.object({ id: v.string("an id is needed"), items: v.array(v.number("numbers only")) }),
      });
      const unreadable = await stage.replyTo(await stage.request("{"));
      expect([statusOf(unreadable), errorOf(unreadable)]).toEqual(["400", "body_unreadable"]);
      const id = await stage.request('{"items":[1,"two"]}');
      const invalid = await stage.replyTo(id);
      expect([statusOf(invalid), readHeader(invalid.headers, "Content-Type")]).toEqual([
        "422",
        "application/problem+json",
      ]);
      expect(JSON.parse(textOf(invalid) ?? "")).toMatchObject({
        code: "body_invalid",
        correlationId: id,
        issues: [{ path: "id" }, { path: "items.1", message: "numbers only" }],
      });
      expect(textOf(await stage.replyTo(await stage.request('{"id":"a","items":[1,2]}')))).toBe("2");
    });

    test("that Kafka will not take become a 502 instead of a timeout", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(() => ({ body: "x".repeat(maxRecordBytes + 1) }));
      const reply = await stage.replyTo(await stage.request("big"));
      expect([statusOf(reply), errorOf(reply)]).toEqual(["502", "reply_refused"]);
      await expect.poll(() => responder.counts.failed).toBe(1);
      expect(responder.events).toMatchObject([{ type: "unsent", offset: 0 }]);
    });

    test.each([
      ["a number for a body", { body: 42 }],
      ["a text for an answer", "text"],
      ["JSON that is none", { json: () => 1 }],
      ["a content type with a line break", { body: "x", contentType: "text/plain\r\nX-Evil: 1" }],
    ])("that make no sense, %s, are a 502, and the next one is served", async (_, answer) => {
      const stage = await setStage(await home());
      stage.start((message) => (message.text() === "odd" ? (answer as HandlerReply) : { body: "fine" }));
      expect(errorOf(await stage.replyTo(await stage.request("odd")))).toBe("responder_failed");
      expect(textOf(await stage.replyTo(await stage.request("next")))).toBe("fine");
    });

    test("to a later attempt of the same exchange are no repeats of the first", async () => {
      const stage = await setStage(await home());
      stage.start((message) => ({ body: message.text() }));
      const id = await stage.request("first", { attempt: 1 });
      await stage.replyTo(id);
      await stage.request("second", { correlationId: id, attempt: 2 });
      await expect.poll(async () => (await stage.repliesTo(id)).map(textOf)).toEqual(["first", "second"]);
    });

    test("may be given before the handler is done, and only once", async () => {
      const stage = await setStage(await home());
      const second: unknown[] = [];
      const responder = stage.start(async (_, context) => {
        await context.reply({ body: "early" });
        await context.reply({ body: "again" }).catch((cause: unknown) => second.push(cause));
      });
      const id = await stage.request("x");
      expect(textOf(await stage.replyTo(id))).toBe("early");
      await expect.poll(() => responder.counts.replied).toBe(1);
      expect(second).toEqual([expect.any(TypeError)]);
      expect(await stage.repliesTo(id)).toHaveLength(1);
    });

    test("may come in parts, numbered and in order, and the last one says so", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(async (message, context) => {
        void context.write("one ", { status: 201, contentType: "text/plain" });
        await context.write("two ");
        if (message.text() === "broken") throw new Error("in the middle");
        if (message.text() === "ended") await context.end("three");
      });
      const shown = async (body: string, count: number) => {
        const id = await stage.request(body);
        await expect.poll(async () => (await stage.repliesTo(id)).length, { timeout: 20_000 }).toBe(count);
        return (await stage.repliesTo(id)).map((part) =>
          [
            readHeader(part.headers, "X-Reply-Sequence"),
            readHeader(part.headers, "X-Reply-End") ?? "-",
            statusOf(part),
            textOf(part),
          ].join("|"),
        );
      };
      expect(await shown("ended", 3)).toEqual(["0|-|201|one ", "1|-|200|two ", "2|true|200|three"]);
      expect(await shown("forgotten", 3)).toEqual(["0|-|201|one ", "1|-|200|two ", "2|true|200|"]);
      expect(await shown("broken", 3)).toEqual(["0|-|201|one ", "1|-|200|two ", "2|true|502|"]);
      await expect.poll(() => responder.counts).toMatchObject({ replied: 2, failed: 1 });
    });
  });
}
