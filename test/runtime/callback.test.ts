// Callbacks at a real Durable Object: what the waiter sends, when, and what it says of it. The test moves the clock and
// lets alarms ring; every test has an exchange and a receiver of its own. How a request asks for one is in
// callback-requests.test.ts.

import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { attemptTimeoutMs } from "../../durable/callback.ts";
import type { Terms } from "../../durable/index.ts";
import { encodeText, toBase64, type CallbackFate, type Reply } from "../../protocol/index.ts";
import { durableWait } from "../../worker/exchange/waiter-port.ts";
import { ask } from "./support.ts";
import { answersWith, hangs, refusesToConnect, takes, useReceiver, type Answer } from "./webhook-receiver.ts";

const receiver = useReceiver();
const answering = (...answers: Answer[]) => void receiver().answers.push(...answers);

/** By how much the clock is ahead. */
let movedMs: number;
beforeEach(() => {
  movedMs = 0;
  const now = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => now() + movedMs);
});

const waiterOf = (id: string) => env.WAITER.get(env.WAITER.idFromString(id));
const newId = () => env.WAITER.newUniqueId().toString();

function termsOf(id: string): Terms {
  const createdAt = Date.now();
  return {
    service: "called",
    principal: "",
    replyTopic: "durable.replies",
    fingerprint: "one",
    createdAt,
    deadlineAt: createdAt + 5_000,
    keepUntil: createdAt + 172_800_000,
    callback: { url: receiver().url, secret: "CALLBACK_SECRET", correlationId: id, withReply: true },
  };
}

/** A timer of that length ends soon. */
function inShort(length: number): void {
  const start = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms?: number) =>
    start(run, ms === length ? 20 : ms)) as typeof setTimeout);
}

/** An exchange that asked for a callback. */
async function open(more: Partial<Terms> = {}): Promise<string> {
  const id = newId();
  const terms = { ...termsOf(id), ...more };
  expect((await waiterOf(id).open(terms, "opener")).status).toBe("created");
  await waiterOf(id).confirm(terms.createdAt, { status: "appended" });
  return id;
}

const deliver = (id: string, reply: Partial<Reply> = {}) =>
  waiterOf(id).deliver([
    {
      source: "durable.replies/0/1",
      topic: "durable.replies",
      reply: { status: 200, body: encodeText("pong"), ...reply },
    },
  ]);

async function fateOf(id: string): Promise<CallbackFate | undefined> {
  const outcome = await waiterOf(id).attach("", 0);
  return outcome.callback;
}

const leftIn = (id: string) =>
  runInDurableObject(waiterOf(id), async (_, state) => ({
    rows: [...state.storage.kv.list()].map(([key]) => key),
    alarm: await state.storage.getAlarm(),
  }));

/** What was tried has an outcome. */
const settled = (id: string) =>
  vi.waitFor(async () => {
    const fate = await fateOf(id);
    if (fate?.status === "pending" && fate.nextAt === undefined) throw new Error("an attempt is under way");
    return fate;
  });

/** Time passes until the next attempt is due, and the alarm rings. */
async function nextAttempt(id: string): Promise<CallbackFate | undefined> {
  const { nextAt = 0 } = (await fateOf(id)) ?? {};
  movedMs += Math.max(0, nextAt - Date.now());
  expect(await runDurableObjectAlarm(waiterOf(id))).toBe(true);
  return settled(id);
}

test("a receiver that fails four times gets the callback in the end: one ID, fresh timestamps, good signatures", async () => {
  inShort(attemptTimeoutMs);
  answering(
    answersWith(500),
    hangs,
    refusesToConnect,
    answersWith(302, { location: "https://elsewhere.example.com/" }),
  );
  const id = await open();
  await deliver(id);
  const fates = [await settled(id)];
  for (let attempt = 2; attempt <= 5; attempt++) fates.push(await nextAttempt(id));
  expect(fates.map((fate) => [fate?.status, fate?.attempts, fate?.last])).toEqual([
    ["pending", 1, "500"],
    ["pending", 2, "timeout"],
    ["pending", 3, "unreachable"],
    ["pending", 4, "302"],
    ["delivered", 5, "204"],
  ]);
  // The redirect was followed by nobody.
  expect(receiver().asked).toEqual(Array.from({ length: 5 }, () => receiver().url));
  expect(new Set(receiver().delivered.map((one) => one.id)).size).toBe(1);
  const times = receiver().delivered.map(({ timestamp }) => timestamp);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(116);
  expect(new Set(receiver().delivered.map(({ body }) => JSON.stringify(body))).size).toBe(1);
});

test("an object that dies between attempts, and in the middle of one, goes on with the same ID", async () => {
  answering(answersWith(500), hangs);
  const id = await open();
  await deliver(id);
  await settled(id);
  await abortAllDurableObjects();
  expect(await fateOf(id)).toMatchObject({ status: "pending", attempts: 1, last: "500" });
  movedMs += 2_000;
  await runDurableObjectAlarm(waiterOf(id));
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(2));
  await abortAllDurableObjects();
  expect(await fateOf(id)).toMatchObject({ status: "pending", attempts: 2 });
  // Longer than an attempt can take.
  movedMs += 15_000;
  await runDurableObjectAlarm(waiterOf(id));
  expect(await settled(id)).toMatchObject({ status: "delivered", attempts: 3 });
  expect(new Set(receiver().delivered.map((one) => one.id)).size).toBe(1);
  const { alarm, rows } = await leftIn(id);
  expect(rows).toEqual(["callback", "exchange"]);
  expect(alarm).toBeGreaterThan(Date.now() + 80_000_000);
});

test("an attempt is stored before it is sent", async () => {
  const id = await open();
  let stored: unknown;
  answering(async () => {
    stored = await runInDurableObject(waiterOf(id), (_, state) => state.storage.kv.get("callback"));
    return takes();
  });
  await deliver(id);
  await settled(id);
  expect(stored).toMatchObject({ version: 1, callback: { status: "trying", attempts: 1 } });
});

test("who says 410 is not asked again; the exchange is kept all the same", async () => {
  const warned = vi.spyOn(console, "warn").mockReturnValue();
  answering(answersWith(410));
  const id = await open();
  await deliver(id);
  expect(await settled(id)).toEqual({ status: "given-up", attempts: 1, last: "410" });
  await runDurableObjectAlarm(waiterOf(id));
  expect(receiver().asked).toHaveLength(1);
  expect((await ask(`/requests/${id}`)).status).toBe(200);
  // The host alone.
  expect(warned.mock.calls).toEqual([
    ["hearback: a callback to hooks.example.com was given up after attempt 1: 410"],
  ]);
});

test("a receiver may ask for time", async () => {
  answering(answersWith(503, { "retry-after": "90" }));
  const id = await open();
  await deliver(id);
  const { nextAt = 0 } = (await settled(id)) ?? {};
  expect(nextAt - Date.now()).toBeGreaterThan(85_000);
  expect((await ask(`/requests/${id}`)).headers.get("x-callback-status")).toBe(
    `pending;attempts=1;last="503";next=@${Math.ceil(nextAt / 1_000)}`,
  );
});

test("what cannot be told before retention ends is given up, and then nothing is left", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  answering(answersWith(500), answersWith(500));
  const id = await open({ deadlineAt: Date.now() + 2_000, keepUntil: Date.now() + 4_000 });
  await deliver(id);
  await settled(id);
  // The next one would come after five seconds.
  expect(await nextAttempt(id)).toEqual({ status: "given-up", attempts: 2, last: "500" });
  movedMs += 10_000;
  await runDurableObjectAlarm(waiterOf(id));
  expect(await leftIn(id)).toEqual({ rows: [], alarm: null });
});

test("an attempt that is under way when retention ends leaves nothing behind", async () => {
  let isOver = false;
  let isHeard = false;
  answering(async () => {
    while (!isOver) await scheduler.wait(1);
    return new Response(new ReadableStream({ cancel: () => void (isHeard = true) }));
  });
  const id = await open({ deadlineAt: Date.now() + 2_000, keepUntil: Date.now() + 4_000 });
  await deliver(id);
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(1));
  movedMs += 6_000;
  await runDurableObjectAlarm(waiterOf(id));
  isOver = true;
  await vi.waitFor(() => expect(isHeard).toBe(true));
  expect(await leftIn(id)).toEqual({ rows: [], alarm: null });
});

test("who waits longer than the deadline is told that it expired, and then the late reply, as another event", async () => {
  const id = await open();
  movedMs += 5_001;
  await runDurableObjectAlarm(waiterOf(id));
  expect(await settled(id)).toMatchObject({ status: "delivered", attempts: 1 });
  expect((await ask(`/requests/${id}`)).headers.get("x-callback-status")).toBe(
    'delivered;attempts=1;last="204"',
  );
  expect(await deliver(id)).toEqual(["late"]);
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(2));
  await settled(id);
  expect(receiver().delivered.map(({ body }) => [body.type, body.data["late"], body.data["reply"]])).toEqual([
    ["exchange.expired", undefined, undefined],
    ["exchange.replied", true, { status: 200, body: { text: "pong" } }],
  ]);
  expect(new Set(receiver().delivered.map((one) => one.id)).size).toBe(2);
});

test("a reply takes the place of an expiry that is not told yet, also of one that is being told", async () => {
  answering(hangs);
  const id = await open();
  movedMs += 5_001;
  await runDurableObjectAlarm(waiterOf(id));
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(1));
  await deliver(id);
  expect(await settled(id)).toEqual({ status: "delivered", attempts: 1, last: "204" });
  expect(receiver().delivered.map(({ body }) => body.type)).toEqual(["exchange.expired", "exchange.replied"]);
});

test("an attempt that is opened anew takes back what was not told of the one before", async () => {
  answering(answersWith(500));
  const id = await open();
  movedMs += 5_001;
  await runDurableObjectAlarm(waiterOf(id));
  await settled(id);
  const terms = termsOf(id);
  expect((await waiterOf(id).open(terms, "another opener")).status).toBe("created");
  expect(await fateOf(id)).toEqual({ status: "waiting", attempts: 0 });
  expect(await leftIn(id)).toEqual({ rows: ["exchange"], alarm: terms.deadlineAt });
  expect(receiver().asked).toHaveLength(1);
});

test("a receiver that hangs holds up nobody: who is parked, who delivers, and retention come in time", async () => {
  answering(hangs, hangs);
  const id = await open({ keepUntil: Date.now() + 12_000 });
  const parked = await durableWait(() => waiterOf(id), "").park();
  movedMs += 5_001;
  // At its deadline the alarm has two things to do.
  await runDurableObjectAlarm(waiterOf(id));
  expect(await parked.ended).toMatchObject({ status: "expired", callback: { status: "pending" } });
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(1));
  const again = await durableWait(() => waiterOf(id), "").park();
  expect(await again.ended).toMatchObject({ status: "expired" });
  expect(await deliver(id)).toEqual(["late"]);
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(2));
  expect((await ask(`/requests/${id}`)).status).toBe(200);
  const { alarm } = await leftIn(id);
  expect(alarm).toBeLessThanOrEqual(Date.now() + 12_000);
  movedMs += 7_000;
  await runDurableObjectAlarm(waiterOf(id));
  expect(await leftIn(id)).toEqual({ rows: [], alarm: null });
});

test("nothing of what a receiver says is read", async () => {
  let cancelled = 0;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    cancel: () => void cancelled++,
  });
  answering(() => new Response(endless));
  const id = await open();
  await deliver(id);
  expect(await settled(id)).toMatchObject({ status: "delivered", last: "200" });
  await vi.waitFor(() => expect(cancelled).toBe(1));
});

test("bytes that are no text travel as base64, and a large reply is left where it is", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const binary = await open();
  await deliver(binary, { body: bytes, contentType: "application/octet-stream", contentEncoding: "gzip" });
  await settled(binary);
  expect(receiver().delivered[0]?.body.data["reply"]).toEqual({
    status: 200,
    contentType: "application/octet-stream",
    contentEncoding: "gzip",
    body: { base64: toBase64(bytes) },
  });

  const large = await open();
  await deliver(large, { body: new Uint8Array(256 * 1_024 + 1) });
  await settled(large);
  expect(receiver().delivered[1]?.body.data).toMatchObject({
    reply: { status: 200 },
    location: `/requests/${large}`,
  });
  expect(receiver().delivered[1]?.body.data["reply"]).not.toHaveProperty("body");

  const largest = await open();
  await deliver(largest, { body: new Uint8Array(256 * 1_024).fill(120) });
  await settled(largest);
  expect(receiver().delivered[2]?.body.data).toMatchObject({
    reply: { body: { text: "x".repeat(256 * 1_024) } },
  });
});

test("while its secret cannot be read nothing is sent, and the attempt counts", async () => {
  const logged = vi.spyOn(console, "error").mockReturnValue();
  const id = await open({
    callback: { url: receiver().url, secret: "NO_SUCH_SECRET", correlationId: "abc", withReply: true },
  });
  await deliver(id);
  expect(await settled(id)).toMatchObject({ status: "pending", attempts: 1, last: "unsigned" });
  expect(receiver().asked).toEqual([]);
  expect(logged.mock.calls.join()).toContain("NO_SUCH_SECRET");
});

test("what finds no room among all that is being sent comes when there is some, and has not been tried before", async () => {
  let isOver = false;
  const body = encodeText("x".repeat(256 * 1_024));
  answering(
    ...Array.from({ length: 64 }, () => async () => {
      while (!isOver) await scheduler.wait(5);
      return takes();
    }),
  );
  // With its envelope each has a little more than a 64th of the room.
  const ids: string[] = [];
  for (let at = 0; at < 64; at++) {
    ids.push(await open());
    await deliver(ids[at] ?? "", { body });
  }
  const fates = await Promise.all(ids.map(fateOf));
  expect(fates.map((fate) => fate?.attempts)).toEqual([...Array.from({ length: 63 }, () => 1), 0]);
  expect(fates.at(-1)).toEqual({ status: "pending", attempts: 0, nextAt: expect.any(Number) });
  isOver = true;
  await Promise.all(ids.slice(0, 63).map(settled));
  expect(await nextAttempt(ids.at(-1) ?? "")).toMatchObject({ status: "delivered", attempts: 1 });
});

test("once it is told nothing keeps the object in memory", async () => {
  const id = await open();
  await deliver(id);
  await settled(id);
  const startedAt = performance.now();
  await evictDurableObject(waiterOf(id));
  expect(performance.now() - startedAt).toBeLessThan(attemptTimeoutMs / 2);
});

test("an end that a version without callbacks has stored is told by the next one", async () => {
  const id = await open();
  await deliver(id);
  await settled(id);
  await runInDurableObject(waiterOf(id), (_, state) => void state.storage.kv.delete("callback"));
  await evictDurableObject(waiterOf(id));
  // Its alarm is that of retention: whoever looks is the first who finds out.
  expect((await ask(`/requests/${id}`)).status).toBe(200);
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(2));
  await settled(id);
  expect(new Set(receiver().delivered.map((one) => one.id)).size).toBe(1);
});
