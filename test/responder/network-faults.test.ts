// The responder kit over the bridge when the network between them is broken, or something else answers in the bridge's
// place: no request is lost, none ends the process, and all goes on by itself.

import { describe, expect, onTestFinished, test } from "vitest";
import { startFaultProxy, type Fault } from "../support/fault-proxy.ts";
import { endlessAnswer, wrongAnswers } from "../support/wrong-answers.ts";
import { setStage, textOf } from "./contract/stage.ts";
import { embedded } from "./embedded-home.ts";

async function behindProxy() {
  const home = await embedded();
  const proxy = await startFaultProxy({
    target: Number(new URL(home.connection.bridge).port),
    reads: "http",
  });
  onTestFinished(() => proxy.close());
  const stage = await setStage({ ...home, connection: { ...home.connection, bridge: proxy.url } });
  return { stage, proxy };
}

const everywhere = [/consume/, /produce/, /commit/, /topics/];

/** In place of the bridge's answer, which has done what it was asked for. */
const instead = (what: string, on: RegExp): Fault => ({
  kind: "answer",
  on,
  bytes: [wrongAnswers[what] ?? new Uint8Array()],
  isForwarded: true,
});

const faults: readonly Fault[] = [
  { kind: "slow", latencyMs: 50, jitterMs: 50, bytesPerSecond: 50_000 },
  { kind: "refuse" },
  // Of a consume that somebody repeats, the records of one answer are lost: docs/operations.md warns of it.
  { kind: "twice", on: /produce|commit/ },
  ...everywhere.flatMap((on): Fault[] => [
    { kind: "cut", on, afterBytes: 20, by: "RST" },
    { kind: "cut", on, afterBytes: 180, by: "FIN" },
    instead("null", on),
    instead("a list of nothing in particular", on),
    instead("a 200 of HTML", on),
  ]),
  {
    kind: "answer",
    bytes: { [Symbol.iterator]: () => endlessAnswer()[Symbol.iterator]() },
    isForwarded: false,
  },
];

const named = faults.map((fault, at) => ({
  what: `${at}: ${JSON.stringify({ ...fault, on: String(fault.on), bytes: undefined })}`,
  fault,
}));

describe("the responder kit over a broken network", () => {
  test.each(named)("$what: every request is answered, and the kit goes on", async ({ fault }) => {
    const { stage, proxy } = await behindProxy();
    const responder = stage.start((message) => ({ body: message.text() }));
    // Partitions are counted with the first reply, and seldom afterwards.
    if (fault.on?.test("/topics") !== true) await stage.replyTo(await stage.request("before"));
    proxy.inject(fault);
    const ids = [await stage.request("one"), await stage.request("two")];
    await expect.poll(() => proxy.met, { timeout: 8_000 }).toBeGreaterThan(0);
    ids.push(await stage.request("three"));
    proxy.heal();
    ids.push(await stage.request("after"));
    const replies = await Promise.all(ids.map((id) => stage.replyTo(id)));
    expect(replies.map(textOf)).toEqual(["one", "two", "three", "after"]);
    await responder.finish();
    expect(responder.events).toEqual([]);
    const { received, replied } = responder.counts;
    expect(replied).toBe(received);
    // Each time that the connection was lost or reached again, and not for each call.
    expect(responder.connection.length).toBeLessThan(8);
  });

  test("a 404 of something else is not taken for the end of an instance that has records which nobody got", async () => {
    const { stage, proxy } = await behindProxy();
    stage.start((message) => ({ body: message.text() }));
    await stage.replyTo(await stage.request("before"));
    proxy.inject({ kind: "cut", on: /\/consume/, afterBytes: 20, by: "RST" });
    const id = await stage.request("meanwhile");
    await expect.poll(() => proxy.met, { interval: 5 }).toBe(1);
    const notFound = wrongAnswers["a 404 of HTML"] ?? new Uint8Array();
    proxy.inject({ kind: "answer", on: /delete/, bytes: [notFound], isForwarded: false });
    await expect.poll(() => proxy.met, { interval: 5 }).toBeGreaterThan(0);
    proxy.heal();
    expect(textOf(await stage.replyTo(id))).toBe("meanwhile");
  });

  test("a connection that fell silent is given up when its poll does not come back, and nothing is lost", async () => {
    const { stage, proxy } = await behindProxy();
    const responder = stage.start((message) => ({ body: message.text() }));
    await stage.replyTo(await stage.request("before"));
    proxy.inject({ kind: "silent", side: "both" });
    const id = await stage.request("meanwhile");
    proxy.heal();
    expect(textOf(await stage.replyTo(id))).toBe("meanwhile");
    expect(responder.events).toEqual([]);
  });
});
