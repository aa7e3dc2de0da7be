// Parked waits at a real Durable Object: sockets that let it hibernate, deadlines that its alarm keeps, and the hand-over
// from hold to socket with a reply at every point of it. Every test has an object of its own.

import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Delivery, Waiter } from "../../durable/index.ts";
import { encodeText } from "../../protocol/index.ts";
import { ParkedWaits } from "../../worker/exchange/parked-waits.ts";
import { waitForEnd, type WaitPort } from "../../worker/exchange/wait.ts";
import { durableWait, plainWait, type WaiterStub } from "../../worker/exchange/waiter-port.ts";

const topic = "replies";
const nobody = "";

interface Parkable {
  readonly id: DurableObjectId;
  readonly waiter: () => DurableObjectStub<Waiter>;
  readonly deadlineAt: number;
  readonly port: WaitPort;
}

/** A waiter with a wait that is on, of either kind. */
async function newWait(
  kind: "plain" | "durable",
  { timeoutMs = 5_000, principal = nobody } = {},
): Promise<Parkable> {
  const id = env.WAITER.newUniqueId();
  const waiter = () => env.WAITER.get(id);
  const stub = waiter as () => WaiterStub;
  const createdAt = Date.now();
  const deadlineAt = createdAt + timeoutMs;
  if (kind === "plain") {
    const spec = { deadlineAt, replyTopic: topic, service: "test" };
    return { id, waiter, deadlineAt, port: plainWait(stub, spec) };
  }
  await waiter().open(
    {
      service: "test",
      principal,
      replyTopic: topic,
      fingerprint: "one",
      createdAt,
      deadlineAt,
      keepUntil: deadlineAt + 60_000,
    },
    "opener",
  );
  return { id, waiter, deadlineAt, port: durableWait(stub, principal) };
}

function delivery(text: string, source = "replies/0/1"): Delivery {
  return { source, topic, reply: { status: 200, body: encodeText(text) } };
}

/** Of a stored exchange it is known whose it is. */
const replied = (text: string, kind: "plain" | "durable") => ({
  status: "replied",
  reply: { status: 200, body: encodeText(text) },
  ...(kind === "durable" ? { service: "test" } : {}),
});

function stored({ waiter }: Parkable) {
  return runInDurableObject(waiter(), async (_, state) => ({
    rows: [...state.storage.kv.list()].length,
    alarm: await state.storage.getAlarm(),
  }));
}

/** Of its database, with what the platform keeps in it. */
function bytesOf({ waiter }: Parkable): Promise<number> {
  return runInDurableObject(waiter(), (_, state) => state.storage.sql.databaseSize);
}

/** Waits as the gateway does. */
function wait(port: WaitPort, until: number, spinMs: number, signal = new AbortController().signal) {
  return waitForEnd(
    {
      port,
      nudge: () => {},
      now: Date.now,
      pause: (ms) => scheduler.wait(ms),
      parkedWaits: new ParkedWaits(),
    },
    { until, spinMs },
    signal,
  );
}

const kinds = ["plain", "durable"] as const;

test.each(kinds)(
  "a %s wait that is parked lets its object hibernate; the reply wakes it, and is sent",
  async (kind) => {
    const it = await newWait(kind);
    const parked = await it.port.park();
    const before = await runInDurableObject(it.waiter(), (instance) => {
      (instance as unknown as { mark: string }).mark = "the first instance";
      return "mark" in instance;
    });
    expect(before).toBe(true);
    await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
    expect(await it.waiter().deliver([delivery("awake")])).toEqual(["accepted"]);
    expect(await parked.ended).toEqual(replied("awake", kind));
    expect(await runInDurableObject(it.waiter(), (instance) => "mark" in instance)).toBe(false);
  },
);

test("a plain wait that is parked has an alarm and no row; answered, it has neither", async () => {
  const it = await newWait("plain");
  const parked = await it.port.park();
  expect(await stored(it)).toEqual({ rows: 0, alarm: it.deadlineAt });
  await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
  await it.waiter().deliver([delivery("done")]);
  await parked.ended;
  expect(await stored(it)).toEqual({ rows: 0, alarm: null });
});

test.each(["answered", "expired"] as const)(
  "a plain wait that was parked and is %s leaves nothing to pay for, not even an empty database",
  async (how) => {
    const untouched = await bytesOf(await newWait("plain"));
    const it = await newWait("plain", { timeoutMs: how === "answered" ? 5_000 : 100 });
    const parked = await it.port.park();
    expect(await bytesOf(it)).toBeGreaterThan(untouched);
    if (how === "answered") await it.waiter().deliver([delivery("done")]);
    await parked.ended;
    await expect.poll(() => bytesOf(it)).toBe(untouched);
    expect((await stored(it)).alarm).toBeNull();
  },
);

test("[A17] the alarm ends a plain wait whose caller is parked, also after hibernation, and nothing is left", async () => {
  const it = await newWait("plain", { timeoutMs: 300 });
  const parked = await it.port.park();
  await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
  expect(await parked.ended).toEqual({ status: "expired", deadlineAt: it.deadlineAt });
  expect(Date.now()).toBeGreaterThanOrEqual(it.deadlineAt);
  expect(await stored(it)).toEqual({ rows: 0, alarm: null });
});

test("the alarm ends the parked waits of a durable exchange at its deadline, and moves on to its retention", async () => {
  const it = await newWait("durable", { timeoutMs: 300 });
  const [first, second] = await Promise.all([it.port.park(), it.port.park()]);
  expect((await stored(it)).alarm).toBe(it.deadlineAt);
  await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
  const expired = { status: "expired", deadlineAt: it.deadlineAt };
  expect(await Promise.all([first.ended, second.ended])).toEqual([expired, expired]);
  await expect.poll(() => stored(it)).toEqual({ rows: 1, alarm: it.deadlineAt + 60_000 });
});

test("an answered exchange that the alarm of its parked callers finds out of memory is still forgotten", async () => {
  const it = await newWait("durable");
  const parked = await it.port.park();
  await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
  await it.waiter().deliver([delivery("long before the deadline")]);
  await parked.ended;
  expect((await stored(it)).alarm).toBe(it.deadlineAt);
  await evictDurableObject(it.waiter());
  expect(await runDurableObjectAlarm(it.waiter())).toBe(true);
  expect(await stored(it)).toEqual({ rows: 1, alarm: it.deadlineAt + 60_000 });
});

test("an alarm that rings twice, or too early, ends nothing that is not due", async () => {
  const it = await newWait("durable");
  const parked = await it.port.park();
  expect(await runDurableObjectAlarm(it.waiter())).toBe(true);
  expect(await runDurableObjectAlarm(it.waiter())).toBe(true);
  await it.waiter().deliver([delivery("still on")]);
  expect(await parked.ended).toEqual(replied("still on", "durable"));
});

test("every parked caller of an exchange is told, and one who comes later is told at once", async () => {
  const it = await newWait("durable");
  const parked = await Promise.all(Array.from({ length: 20 }, () => it.port.park()));
  await it.waiter().deliver([delivery("for all")]);
  for (const each of parked) expect(await each.ended).toEqual(replied("for all", "durable"));
  expect(await (await it.port.park()).ended).toEqual(replied("for all", "durable"));
});

test("a stranger is not parked for the exchange of somebody, and anybody is for that of nobody", async () => {
  const annas = await newWait("durable", { principal: "anna" });
  for (const name of [nobody, "bert"]) {
    const stranger = await durableWait(annas.waiter, name).park();
    expect(await stranger.ended).toEqual({ status: "forbidden" });
  }
  const nobodys = await newWait("durable");
  const parked = await durableWait(nobodys.waiter, "anna").park();
  for (const it of [annas, nobodys]) await it.waiter().deliver([delivery("an answer")]);
  expect(await parked.ended).toEqual(replied("an answer", "durable"));
  expect(await (await annas.port.park()).ended).toEqual(replied("an answer", "durable"));
});

test("a plain wait whose parked caller leaves ends, and its alarm is taken down", async () => {
  const it = await newWait("plain");
  const leaving = new AbortController();
  const waiting = wait(it.port, it.deadlineAt, 0, leaving.signal);
  await expect.poll(() => stored(it)).toMatchObject({ alarm: it.deadlineAt });
  leaving.abort();
  expect(await waiting).toBeUndefined();
  await it.waiter().leave();
  expect(await it.waiter().deliver([delivery("too late")])).toEqual(["late"]);
  await expect.poll(() => stored(it)).toEqual({ rows: 0, alarm: null });
});

test.each(kinds)(
  "a %s wait that is parked survives a reset of its object: its caller parks again",
  async (kind) => {
    const it = await newWait(kind);
    let parks = 0;
    const counted: WaitPort = {
      ...it.port,
      park: () => {
        parks++;
        return it.port.park();
      },
    };
    const waiting = wait(counted, it.deadlineAt, 0);
    for (const resets of [1, 2, 3]) {
      await expect.poll(() => parks).toBe(resets);
      await expect.poll(async () => (await stored(it)).alarm).toBe(it.deadlineAt);
      await abortAllDurableObjects();
    }
    await expect.poll(() => parks).toBe(4);
    await expect
      .poll(async () => (await it.waiter().deliver([delivery("after three resets")]))[0])
      .toMatch(/accepted|held/);
    expect(await waiting).toEqual(replied("after three resets", kind));
  },
);

test("what no gateway sends is not parked", async () => {
  const { waiter } = await newWait("plain");
  expect((await waiter().fetch("https://waiter/park")).status).toBe(400);
  const response = await waiter().fetch("https://waiter/park", {
    headers: { Upgrade: "websocket", "Hearback-Park": '{"kind":"else"}' },
  });
  expect(response.status).toBe(400);
});

// The hand-over, step by step: what the gateway does, with a reply put in at one point of it.
const points = [
  "before the hold",
  "while it is held",
  "when the hold has ended, before the socket is asked for",
  "while the socket is asked for",
  "when the socket is there, before anybody listens",
  "while it is parked",
  "while it hibernates",
  "after the socket was cut, before the next one",
] as const;

test.each(kinds.flatMap((kind) => points.map((point) => [kind, point] as const)))(
  "a reply to a %s wait that comes %s is answered, once",
  async (kind, point) => {
    const it = await newWait(kind);
    const verdicts: unknown[] = [];
    const replyAt = async (here: (typeof points)[number]): Promise<void> => {
      if (here === point) verdicts.push(...(await it.waiter().deliver([delivery("the one")])));
    };
    let parks = 0;
    const scheduled: WaitPort = {
      async hold(ms) {
        await replyAt("before the hold");
        const held = it.port.hold(ms);
        if (point === "while it is held") await replyAt("while it is held");
        const outcome = await held;
        await replyAt("when the hold has ended, before the socket is asked for");
        return outcome;
      },
      async park() {
        parks++;
        const [parked] = await Promise.all([it.port.park(), replyAt("while the socket is asked for")]);
        await replyAt("when the socket is there, before anybody listens");
        if (parks === 1 && point === "while it is parked") setTimeout(() => void replyAt(point), 20);
        if (parks === 1 && point === "while it hibernates") {
          await evictDurableObject(it.waiter(), { webSockets: "hibernate" });
          setTimeout(() => void replyAt(point), 20);
        }
        if (parks === 1 && point === "after the socket was cut, before the next one") {
          await evictDurableObject(it.waiter(), { webSockets: "close" });
          await parked.ended;
          await replyAt(point);
        }
        return parked;
      },
    };
    const outcome = await wait(scheduled, it.deadlineAt, 30);
    expect(outcome).toEqual(replied("the one", kind));
    await expect.poll(() => verdicts.length).toBe(1);
    expect(verdicts[0]).toMatch(/accepted|held/);
    // Another reply is not the one, wherever the first came in; the same record is no other.
    const [again, another] = await it
      .waiter()
      .deliver([delivery("the one"), delivery("another", "replies/0/2")]);
    expect([again, another]).toEqual(["accepted", "duplicate"]);
  },
);

test("an alarm that finds the callers gone with their object goes on to the end of retention", async () => {
  const it = await newWait("durable");
  const parked = await it.port.park();
  expect(await stored(it)).toEqual({ rows: 1, alarm: it.deadlineAt });
  await abortAllDurableObjects();
  expect(await parked.ended).toBeUndefined();
  expect(await runDurableObjectAlarm(it.waiter())).toBe(true);
  expect(await stored(it)).toEqual({ rows: 1, alarm: it.deadlineAt + 60_000 });
});
