// The responder kit over the bridge: the contract, and what is its own there.

import { describe, expect, test } from "vitest";
import { createResponder } from "../../responder/index.ts";
import { responderContract } from "./contract/index.ts";
import { setStage, textOf } from "./contract/stage.ts";
import { embedded } from "./embedded-home.ts";

describe("the responder kit over the bridge", () => {
  responderContract(embedded);

  test("says once that the bridge is gone and once that it is back, and goes on", async () => {
    const home = await embedded();
    const stage = await setStage(home);
    const { connection } = stage.start((message) => ({ body: message.text() }));
    await stage.replyTo(await stage.request("before"));
    await home.stop();
    const id = await stage.request("meanwhile");
    await expect.poll(() => connection.length, { timeout: 5_000 }).toBe(2);
    await home.restart();
    expect(textOf(await stage.replyTo(id))).toBe("meanwhile");
    expect(connection).toEqual([
      "the bridge is reached",
      expect.stringMatching(/^the bridge cannot be reached: /),
      "the bridge is reached",
    ]);
  });

  test("keeps its partitions through a handler that takes longer than its session", async () => {
    const stage = await setStage(await embedded());
    const handled: string[] = [];
    const slowly = (name: string) => async () => {
      handled.push(name);
      // Longer than a session, which cannot be shorter than 6 s, and a look of the bridge.
      await new Promise((resolve) => setTimeout(resolve, 7_500));
      return { body: name };
    };
    const options = { concurrency: 1, sessionTimeoutMs: 6_000 };
    // In the order of their names, so that the newcomer has no claim to the only partition.
    stage.start(slowly("one"), { ...options, name: "a" });
    const id = await stage.request("x");
    await expect.poll(() => handled).toEqual(["one"]);
    stage.start(slowly("two"), { ...options, name: "b" });
    expect(textOf(await stage.replyTo(id))).toBe("one");
    expect(handled).toEqual(["one"]);
  });

  test("says what the bridge answers to wrong credentials", async () => {
    const home = await embedded();
    const stage = await setStage(home);
    const kafka = { ...home.connection, password: "wrong" };
    const { connection } = stage.start(() => ({}), { kafka });
    await expect
      .poll(() => connection, { timeout: 5_000 })
      .toEqual([expect.stringMatching(/^the bridge answers 401: /)]);
  });
});

test.each([
  [{ replyTopics: [] }, "replyTopics is empty"],
  [{ topic: [] }, "topic names no topic"],
  [{ topic: "a b" }, '"a b" is no name of a topic'],
  [{ replyTopics: ["a*b"] }, '"a*b" is no name or prefix'],
  [{ concurrency: 0 }, "concurrency is not"],
  [{ deadLetterTopic: "t" }, '"t" is a request topic'],
  [{ deadLetterTopic: "dead letters" }, '"dead letters" is no name of a topic'],
  [{ topic: ["a", "a.dead-letters"] }, '"a.dead-letters" is a request topic'],
  [{ sessionTimeoutMs: 100 }, "sessionTimeoutMs is not"],
  [{ clockSkewMs: -1 }, "clockSkewMs is not"],
  [{ name: "a/b" }, "has characters other than"],
])("options %j are refused by name", (options, message) => {
  const make = () =>
    createResponder({
      kafka: { brokers: ["b:1"] },
      topic: "t",
      replyTopics: ["r"],
      handler: () => ({}),
      ...options,
    });
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});
