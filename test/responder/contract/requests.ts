// Which requests are handled, and what becomes of those that cannot be.

import { describe, expect, test } from "vitest";
import { encodeText, maxRecordBytes, readHeader, textHeader } from "../../../protocol/index.ts";
import { RequestEnded } from "../../../responder/index.ts";
import { createGate, setStage, textOf, type Home } from "./stage.ts";

export function requestCases(home: () => Promise<Home>): void {
  describe("requests", () => {
    test("that are expired are skipped and counted; one within the allowance for clocks is served", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(() => ({ body: "x" }));
      await stage.request("expired", { deadlineAt: Date.now() - 6_000 });
      await stage.replyTo(await stage.request("just", { deadlineAt: Date.now() - 100 }));
      expect(responder.counts).toMatchObject({ skipped: 1, received: 2 });
    });

    test.each([
      ["correlation_id_missing", { without: "X-Correlation-ID" }],
      ["correlation_id_too_long", { correlationId: "x".repeat(257) }],
      ["reply_topic_missing", { without: "X-Reply-Topic" }],
      ["reply_topic_forbidden", { replyTopic: "elsewhere" }],
      ["reply_topic_unknown", { replyTopic: "REPLIES-unknown" }],
      ["reply_partition_unreadable", { headers: [textHeader("x-reply-partition", "-1")] }],
      ["reply_partition_unknown", { replyPartition: 9_999 }],
    ])(
      "[A24, A25] are dead letters for %s, within a second, and the next one is served",
      async (reason, overrides) => {
        const stage = await setStage(await home());
        const replyTopics = [stage.replies, `${stage.replies}-*`];
        const responder = stage.start(() => ({ body: "fine" }), { replyTopics, name: "one" });
        await stage.replyTo(await stage.request("warm"));
        const named =
          "replyTopic" in overrides && overrides.replyTopic.startsWith("REPLIES")
            ? { replyTopic: `${stage.replies}-unknown` }
            : overrides;
        const before = Date.now();
        await stage.request("bad", { key: "the key", ...named });
        await stage.replyTo(await stage.request("next"));
        const [letter] = await stage.recordsIn(stage.deadLetters, 1);
        if (letter === undefined) throw new Error("there is a dead letter");
        const header = (name: string) => readHeader(letter.headers, name);
        expect(letter.timestamp - before).toBeLessThan(1_000);
        expect([textOf(letter), new TextDecoder().decode(letter.key ?? undefined)]).toEqual([
          "bad",
          "the key",
        ]);
        expect([
          header("X-Dead-Letter-Reason"),
          header("X-Dead-Letter-Topic"),
          header("X-Dead-Letter-Partition"),
          header("X-Dead-Letter-Offset"),
          header("X-Dead-Letter-Responder"),
          header("X-Http-Method"),
        ]).toEqual([reason, stage.requests, "0", "1", "one", "POST"]);
        expect(responder.counts).toMatchObject({ deadLettered: 1, replied: 2 });
        expect(responder.events).toMatchObject([{ type: "dead-letter", reason, offset: 1 }]);
      },
    );

    test("may name a reply topic that is to be created, if the allow-list has its very name", async () => {
      const stage = await setStage(await home());
      const replyTopic = `${stage.requests}.new`;
      stage.start(() => ({ body: "first" }), { replyTopics: [replyTopic] });
      await stage.request("x", { replyTopic, replyPartition: 0 });
      const [reply] = await stage.recordsIn(replyTopic, 1);
      expect(reply && textOf(reply)).toBe("first");
    });

    test("may not have their answers written to the request topic, whatever the allow-list says", async () => {
      const stage = await setStage(await home());
      stage.start(() => ({}), { replyTopics: ["*"] });
      await stage.request("loop", { replyTopic: stage.requests, replyPartition: 0 });
      const [letter] = await stage.recordsIn(stage.deadLetters, 1);
      expect(letter && readHeader(letter.headers, "X-Dead-Letter-Reason")).toBe("reply_topic_forbidden");
    });

    test("that are too large as dead letters are kept without their value: their place says where it is", async () => {
      const stage = await setStage(await home());
      stage.start(() => ({}));
      await stage.append({
        partition: 0,
        key: null,
        value: new Uint8Array(maxRecordBytes - 10),
        headers: [],
      });
      const [letter] = await stage.recordsIn(stage.deadLetters, 1);
      expect(letter?.value).toBeNull();
      expect(letter && readHeader(letter.headers, "X-Dead-Letter-Offset")).toBe("0");
    });

    test("that were there before the responder are answered when it starts, once", async () => {
      const stage = await setStage(await home());
      const id = await stage.request("early bird");
      const first = stage.start((message) => ({ body: message.text() }));
      expect(textOf(await stage.replyTo(id))).toBe("early bird");
      await first.finish();
      const second = stage.start((message) => ({ body: message.text() }));
      await stage.replyTo(await stage.request("later"));
      expect(second.counts).toMatchObject({ received: 1, replied: 1 });
      expect(await stage.repliesTo(id)).toHaveLength(1);
    });

    test("are read from a topic that is created after the responder has started", async () => {
      const stage = await setStage(await home());
      const topic = `${stage.requests}.later`;
      stage.start(() => ({ body: "there" }), { topic });
      await stage.home.createTopic(topic, 2);
      await stage.append({
        topic,
        partition: 1,
        key: null,
        value: encodeText("x"),
        headers: [textHeader("X-Correlation-ID", "later"), textHeader("X-Reply-Topic", stage.replies)],
      });
      expect(textOf(await stage.replyTo("later"))).toBe("there");
    });

    test("are read from partitions that their topic gains, and answered on those that the reply topic gains", async () => {
      const stage = await setStage(await home());
      stage.start(() => ({ body: "x" }));
      await stage.replyTo(await stage.request("before"));
      await stage.home.addPartitions(stage.requests, 6);
      await stage.home.addPartitions(stage.replies, 6);
      const reply = await stage.replyTo(await stage.request("after", { partition: 5, replyPartition: 5 }));
      expect(reply.partition).toBe(5);
    });

    test("that are taken back fire the signal, and are not answered", async () => {
      const stage = await setStage(await home());
      const fired = createGate();
      const reasons: unknown[] = [];
      const begun = createGate();
      const responder = stage.start(async (message, { signal }) => {
        if (message.text() !== "long") return { body: "x" };
        begun.open();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        reasons.push(signal.reason);
        fired.open();
        return { body: "too late" };
      });
      const id = await stage.request("long");
      await begun.opened;
      await stage.request("", { correlationId: id, headers: [textHeader("X-Cancel", "true")] });
      await fired.opened;
      await stage.replyTo(await stage.request("next"));
      expect(reasons).toMatchObject([{ why: "cancelled" }]);
      expect(await stage.repliesTo(id)).toEqual([]);
      await expect.poll(() => responder.counts).toMatchObject({ cancelled: 1, cancel: 1, replied: 1 });
    });

    test("that are taken back while they wait for their key are never begun", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      const handled: string[] = [];
      const responder = stage.start(
        async (message) => {
          handled.push(message.text());
          if (message.text() === "first") await gate.opened;
          return {};
        },
        { order: "key" },
      );
      await stage.request("first", { key: "same" });
      const second = await stage.request("second", { key: "same" });
      await stage.request("", {
        key: "same",
        correlationId: second,
        headers: [textHeader("X-Cancel", "true")],
      });
      await expect.poll(() => responder.counts.cancel, { timeout: 20_000 }).toBe(1);
      gate.open();
      await expect.poll(() => responder.counts.cancelled).toBe(1);
      expect(handled).toEqual(["first"]);
    });

    test("that come again under the ID of one that was taken back are answered", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      const responder = stage.start(
        async (message) => {
          if (message.text() === "slow") await gate.opened;
          return { body: message.text() };
        },
        { order: "key" },
      );
      await stage.request("slow", { key: "same" });
      const id = await stage.request("first", { key: "same" });
      await stage.request("", { key: "same", correlationId: id, headers: [textHeader("X-Cancel", "true")] });
      await stage.request("again", { key: "same", correlationId: id, attempt: 2 });
      await expect.poll(() => responder.counts.received, { timeout: 20_000 }).toBe(4);
      gate.open();
      expect(textOf(await stage.replyTo(id))).toBe("again");
    });

    test("whose handler gives up when the signal fires are counted as expired, and no error is sent", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(async (_, { signal }) => {
        await new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      });
      const id = await stage.request("x", { deadlineAt: Date.now() + 300 });
      await expect.poll(() => responder.counts.expired, { timeout: 20_000 }).toBe(1);
      expect(await stage.repliesTo(id)).toEqual([]);
      expect(responder.events).toEqual([]);
    });

    test("fire the signal at their deadline, and a late answer is sent all the same", async () => {
      const stage = await setStage(await home());
      const reasons: unknown[] = [];
      stage.start(async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        reasons.push(signal.reason);
        return { body: "late" };
      });
      const id = await stage.request("x", { deadlineAt: Date.now() + 300 });
      expect(textOf(await stage.replyTo(id))).toBe("late");
      expect(reasons).toEqual([expect.any(RequestEnded)]);
      expect(reasons).toMatchObject([{ why: "deadline" }]);
    });
  });
}
