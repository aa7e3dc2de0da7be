// How much is handled at once, in which order, by whom, and how a responder ends.

import { describe, expect, test } from "vitest";
import { createGate, setStage, textOf, type Home } from "./stage.ts";

export function workCases(home: () => Promise<Home>): void {
  describe("work", () => {
    test("is not more at once than the concurrency allows, and what is not taken up is not read away", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      let active = 0;
      let most = 0;
      const responder = stage.start(
        async () => {
          most = Math.max(most, ++active);
          await gate.opened;
          active--;
          return {};
        },
        { concurrency: 2 },
      );
      const ids = [];
      for (const body of ["1", "2", "3", "4"]) ids.push(await stage.request(body));
      await expect.poll(() => active, { timeout: 20_000 }).toBe(2);
      expect(responder.counts.received).toBe(2);
      gate.open();
      for (const id of ids) await stage.replyTo(id);
      expect(most).toBe(2);
      await expect.poll(() => responder.counts).toMatchObject({ received: 4, replied: 4 });
    });

    test("on one key goes one after another if asked to, and beside that of other keys", async () => {
      const stage = await setStage(await home());
      const gates = new Map(["a1", "a2", "b1"].map((body) => [body, createGate()]));
      const begun: string[] = [];
      stage.start(
        async (message) => {
          begun.push(message.text());
          await gates.get(message.text())?.opened;
          return {};
        },
        { order: "key" },
      );
      const first = await stage.request("a1", { key: "a" });
      const second = await stage.request("a2", { key: "a" });
      await stage.request("b1", { key: "b" });
      await expect.poll(() => begun, { timeout: 20_000 }).toEqual(["a1", "b1"]);
      gates.get("a1")?.open();
      await stage.replyTo(first);
      await expect.poll(() => begun).toEqual(["a1", "b1", "a2"]);
      for (const gate of gates.values()) gate.open();
      await stage.replyTo(second);
    });

    test("under way is finished when the responder stops, and the rest is left to the next one", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      const responder = stage.start(
        async () => {
          await gate.opened;
          return { body: "finished" };
        },
        { concurrency: 1 },
      );
      const first = await stage.request("first");
      const second = await stage.request("second");
      await expect.poll(() => responder.counts.received, { timeout: 20_000 }).toBe(1);
      responder.stop();
      gate.open();
      await responder.finish();
      expect(textOf(await stage.replyTo(first))).toBe("finished");
      expect(responder.counts).toMatchObject({ received: 1, replied: 1 });
      const next = stage.start(() => ({ body: "by the next" }));
      expect(textOf(await stage.replyTo(second))).toBe("by the next");
      expect(next.counts).toMatchObject({ received: 1 });
      expect(await stage.repliesTo(first)).toHaveLength(1);
    });

    test("[B4] is shared with a second responder of the group, and taken over when one stops", async () => {
      const stage = await setStage(await home(), { partitions: 4 });
      const ask = async () => {
        const ids = await Promise.all([0, 1, 2, 3].map((partition) => stage.request("x", { partition })));
        for (const id of ids) await stage.replyTo(id);
      };
      const one = stage.start(() => ({}), { name: "one" });
      await ask();
      const two = stage.start(() => ({}), { name: "two" });
      await expect
        .poll(
          async () => {
            await ask();
            return two.counts.replied > 0;
          },
          { timeout: 30_000 },
        )
        .toBe(true);
      const before = one.counts.replied;
      await ask();
      expect(one.counts.replied).toBeGreaterThan(before);
      await two.finish();
      await ask();
    });

    test("that was begun before its partition went and came back does not take the commits of others back", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      const held = stage.start(
        async (message) => {
          if (message.text() === "held") await gate.opened;
          return {};
        },
        { name: "second" },
      );
      await stage.request("held");
      await stage.replyTo(await stage.request("beside it"));
      // Comes first in the order of names, so that the only partition goes to it.
      const other = stage.start(() => ({ body: "by the other" }), { name: "first" });
      await expect.poll(() => other.counts.replied, { timeout: 20_000 }).toBe(2);
      for (const body of ["1", "2", "3"]) await stage.replyTo(await stage.request(body));
      expect(other.counts.replied).toBe(5);
      await other.finish();
      gate.open();
      await expect.poll(() => held.counts.replied, { timeout: 20_000 }).toBe(2);
      await held.finish();
      const next = stage.start(() => ({}));
      await stage.replyTo(await stage.request("4"));
      expect(next.counts.received).toBe(1);
    });

    test("that is under way when its partition goes and comes back is not begun again", async () => {
      const stage = await setStage(await home());
      const gate = createGate();
      const begun: string[] = [];
      const held = stage.start(
        async (message) => {
          begun.push(message.text());
          await gate.opened;
          return {};
        },
        { name: "second" },
      );
      const ids = [await stage.request("1"), await stage.request("2")];
      await expect.poll(() => begun.length, { timeout: 20_000 }).toBe(2);
      // Takes the partition over, finishes nothing, and leaves.
      const never = createGate();
      const other = stage.start(() => never.opened, { name: "first", stopTimeoutMs: 0 });
      await expect.poll(() => other.counts.received, { timeout: 20_000 }).toBe(2);
      await other.finish();
      await expect.poll(() => held.counts.repeated, { timeout: 20_000 }).toBe(2);
      gate.open();
      for (const id of ids) await stage.replyTo(id);
      await stage.replyTo(await stage.request("3"));
      expect(begun).toEqual(["1", "2", "3"]);
      never.open();
    });

    test("goes on when who listens to events throws", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(
        (message) => {
          if (message.text() === "bad") throw new Error("of a test");
          return {};
        },
        {
          onEvent() {
            throw new Error("a broken logger, of a test");
          },
        },
      );
      await stage.replyTo(await stage.request("bad"));
      await stage.replyTo(await stage.request("good"));
      await expect.poll(() => responder.counts).toMatchObject({ failed: 1, replied: 1 });
    });

    test("[A26] shows in figures for Prometheus: fates, and how long requests were on their way", async () => {
      const stage = await setStage(await home());
      const responder = stage.start(() => ({}));
      await stage.replyTo(await stage.request("a second old", { createdAt: Date.now() - 1_000 }));
      await stage.replyTo(await stage.request("by a clock ahead", { createdAt: Date.now() + 60_000 }));
      await stage.request("expired", { deadlineAt: Date.now() - 6_000 });
      await expect.poll(() => responder.counts).toMatchObject({ replied: 2, skipped: 1 });
      const text = await responder.metrics();
      expect(text).toContain('hearback_responder_requests_total{fate="replied"} 2');
      expect(text).toContain('hearback_responder_requests_total{fate="skipped"} 1');
      expect(text).toContain("hearback_responder_duration_seconds_count 2");
      expect(text).toContain("hearback_responder_request_age_seconds_count 3");
      const [, sum] = /request_age_seconds_sum ([\d.]+)/.exec(text) ?? [];
      expect(Number(sum)).toBeGreaterThanOrEqual(1);
      expect(Number(sum)).toBeLessThan(30);
    });
  });
}
