// Dead letters in a real drain and behind their operator paths: what is kept, for how long, and what becomes of it.

import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeadLetters } from "../../consumer/dead-letters.ts";
import { assignmentOf, type DeadLetterPage, type ShownDeadLetter } from "../../consumer/library.ts";
import { encodeText, textHeader, type KafkaRecord } from "../../protocol/index.ts";
import config from "./gateway-config.ts";
import {
  ask,
  bareReply,
  drain,
  expectVerdicts,
  operatorAsks,
  post,
  produce,
  replyTo,
  requestWith,
  totals,
} from "./support.ts";

const assignment = assignmentOf(config);

beforeEach(async () => {
  await drain().nudge(assignment, Date.now() + 60_000);
});
afterEach(() => vi.restoreAllMocks());

/** The newest of them. */
async function newest(): Promise<ShownDeadLetter> {
  const { body } = await operatorAsks("dead-letters?limit=1");
  const [letter] = (body as DeadLetterPage).deadLetters;
  if (letter === undefined) throw new Error("there is no dead letter");
  return letter;
}

const redriven = async () => (await drain().ledger()).redriven;

test("an unreadable reply is kept as a dead letter, shown to operators, stays unreadable and can be discarded", async () => {
  const id = env.WAITER.newUniqueId().toString();
  await expectVerdicts(() => produce(bareReply(id, [["X-Reply-Status", "abc"]])), { malformed: 1 });
  const letter = await newest();
  expect(letter).toMatchObject({
    topic: "replies",
    partition: 0,
    verdict: "malformed",
    reason: "reply status is not a number from 200 to 599",
    correlationId: id,
    headers: [
      { key: "X-Correlation-ID", text: id },
      { key: "X-Reply-Status", text: "abc" },
    ],
    value: { text: "bare" },
  });
  const path = `dead-letters/${letter.id}`;
  expect(await operatorAsks(path)).toMatchObject({ status: 200, body: letter });
  const before = await redriven();
  expect(await operatorAsks(`${path}/redrive`, { method: "POST" })).toMatchObject({
    status: 200,
    body: { verdict: "malformed" },
  });
  expect((await redriven()).malformed).toBe((before.malformed ?? 0) + 1);
  expect(await newest()).toEqual(letter);
  expect((await operatorAsks(path, { method: "DELETE" })).status).toBe(204);
  for (const [gone, method] of [
    [path, "GET"],
    [path, "DELETE"],
    [`${path}/redrive`, "POST"],
  ] as const) {
    expect(await operatorAsks(gone, { method })).toMatchObject({
      status: 404,
      body: { code: "dead_letter_unknown" },
    });
  }
});

test("a reply that its waiter could not be given is delivered when it is re-driven, and counted apart from those read", async () => {
  const id = env.WAITER.newUniqueId().toString();
  await runInDurableObject(drain(), (_, { storage }) => {
    const record = { ...recordAt(7), key: encodeText(id) };
    const why = { verdict: "undeliverable", reason: "the waiter stayed out of reach" } as const;
    new DeadLetters(storage.sql).add(record, why, Date.now());
  });
  await abortAllDurableObjects();
  await drain().nudge(assignment, Date.now() + 60_000);
  const letter = await newest();
  expect(letter).toMatchObject({ correlationId: id, verdict: "undeliverable" });
  const before = await drain().ledger();
  const spec = { deadlineAt: Date.now() + 2_000, replyTopic: "replies" };
  const waiter = env.WAITER.get(env.WAITER.idFromString(id));
  const wait = waiter.wait(spec, 1_500);
  await expect.poll(() => waiter.peek()).toBe("open");
  expect(await operatorAsks(`dead-letters/${letter.id}/redrive`, { method: "POST" })).toMatchObject({
    body: { verdict: "accepted" },
  });
  expect(await wait).toMatchObject({ status: "replied" });
  const after = await drain().ledger();
  expect(totals(after)).toEqual(totals(before));
  expect([after.balanced, after.deadLetters - before.deadLetters]).toEqual([true, -1]);
  expect((after.redriven.accepted ?? 0) - (before.redriven.accepted ?? 0)).toBe(1);
  // Kept over a reset, as all of the ledger.
  await abortAllDurableObjects();
  expect(await redriven()).toEqual(after.redriven);
}, 15_000);

test("one that can be read by now, but was answered as unreadable, is not said to be accepted", async () => {
  const me = crypto.randomUUID();
  const asked = post("/durable", me, { "Idempotency-Key": `"${me}"` });
  const request = await requestWith("durable.requests", me);
  await expectVerdicts(() => replyTo(request, { contentType: "tëxt/plain" }), { malformed: 1 });
  expect((await asked).status).toBe(502);
  const { id } = await newest();
  // A later deploy reads it.
  await runInDurableObject(drain(), (_, { storage }) => {
    storage.sql.exec(
      "UPDATE dead_letters SET record = REPLACE(record, 'Content-Type', 'Other') WHERE id = ?",
      id,
    );
  });
  expect((await operatorAsks(`dead-letters/${id}/redrive`, { method: "POST" })).body).toEqual({
    verdict: "duplicate",
  });
});

test("a record that was too large to be kept is read from its place in Kafka, while Kafka has it", async () => {
  const id = env.WAITER.newUniqueId().toString();
  await expectVerdicts(() => produce(bareReply(id, [["X-Reply-Status", "abc"]])), { malformed: 1 });
  const letter = await newest();
  const nowhere = await runInDurableObject(drain(), (_, { storage }) => {
    storage.sql.exec("UPDATE dead_letters SET record = NULL WHERE id = ?", letter.id);
    const letters = new DeadLetters(storage.sql);
    letters.add(
      recordAt(1_000_000, 1_500_000),
      { verdict: "malformed", reason: "no correlation ID" },
      Date.now(),
    );
    return letters.page(1).ids[0];
  });
  expect((await operatorAsks("dead-letters?limit=2")).body).toMatchObject({
    deadLetters: [
      { id: nowhere, topic: "replies", offset: 1_000_000 },
      { id: letter.id, offset: letter.offset },
    ],
  });
  expect((await operatorAsks(`dead-letters/${letter.id}`)).body).toEqual(letter);
  const redrive = (which = letter.id) => operatorAsks(`dead-letters/${which}/redrive`, { method: "POST" });
  expect((await redrive()).body).toEqual({ verdict: "malformed" });
  expect(await redrive(nowhere)).toMatchObject({ status: 410, body: { code: "dead_letter_gone" } });
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("connection refused"));
  const silent = await redrive();
  expect(silent).toMatchObject({ status: 503, body: { code: "dead_letter_unreachable" } });
  expect(silent.headers.get("retry-after")).toBe("1");
});

test("all dead letters are re-driven with one call", async () => {
  const letters = await drain().deadLetters(100);
  for (const { id } of letters.deadLetters) await drain().discard(id);
  await runInDurableObject(drain(), (_, { storage }) => {
    const kept = new DeadLetters(storage.sql);
    const why = { verdict: "undeliverable", reason: "the waiter stayed out of reach" } as const;
    for (const [at, record] of [
      { ...recordAt(1), key: encodeText(env.WAITER.newUniqueId().toString()) },
      { ...recordAt(2), key: encodeText("order-1") },
      recordAt(3),
    ].entries())
      kept.add(record, why, Date.now() + at);
  });
  await abortAllDurableObjects();
  expect(await operatorAsks("dead-letters/redrive", { method: "POST" })).toMatchObject({
    status: 200,
    body: { verdicts: { held: 1, unknown: 1, malformed: 1 }, unread: 0 },
  });
  expect((await operatorAsks("dead-letters")).body).toMatchObject({ deadLetters: [{ offset: 3 }] });
});

test("dead letters are listed newest first, page by page", async () => {
  await runInDurableObject(drain(), (_, { storage }) => {
    const letters = new DeadLetters(storage.sql);
    for (const offset of [11, 12, 13, 14, 15])
      letters.add(recordAt(offset, 2_000), { verdict: "malformed", reason: "no correlation ID" }, Date.now());
  });
  const page = async (query: string) => (await operatorAsks(`dead-letters?${query}`)).body as DeadLetterPage;
  const offsets = ({ deadLetters }: DeadLetterPage) => deadLetters.map(({ offset }) => offset);
  const first = await page("limit=2");
  expect(offsets(first)).toEqual([15, 14]);
  expect(offsets(await page(`limit=3&before=${first.next}`))).toEqual([13, 12, 11]);
  expect(first.deadLetters[0]).toMatchObject({ bytes: 2_000, value: { text: "x".repeat(1_024), cut: true } });
  const whole = await operatorAsks(`dead-letters/${first.deadLetters[0]?.id}`);
  expect(whole.body).toMatchObject({ value: { text: "x".repeat(2_000) } });
  const last = await page("limit=100");
  expect(last).not.toHaveProperty("next");
});

test("a list cuts keys, names and values of headers as it does values, and one by itself is whole", async () => {
  const long = "x".repeat(5_000);
  const text = (value: string) => ({ text: value.slice(0, 1_024), cut: true });
  const record: KafkaRecord = {
    ...recordAt(2_000_000, 5_000),
    key: encodeText(long),
    headers: Array.from({ length: 60 }, () => textHeader(long, long)),
  };
  await runInDurableObject(drain(), (_, { storage }) =>
    new DeadLetters(storage.sql).add(record, why, Date.now()),
  );
  const listed = await newest();
  expect(listed).toMatchObject({ correlationId: long.slice(0, 1_024), key: text(long), moreHeaders: 10 });
  expect(listed.headers).toEqual(
    Array.from({ length: 50 }, () => ({ key: long.slice(0, 1_024), ...text(long) })),
  );
  const { body } = await operatorAsks(`dead-letters/${listed.id}`);
  expect(body).toMatchObject({ correlationId: long, key: { text: long }, value: { text: long } });
  expect((body as ShownDeadLetter).headers).toEqual(
    Array.from({ length: 60 }, () => ({ key: long, text: long })),
  );
  expect(body).not.toHaveProperty("moreHeaders");
});

test.each([
  ["dead-letters", "GET, HEAD, OPTIONS"],
  ["dead-letters/redrive", "POST, OPTIONS"],
  ["dead-letters/1", "GET, HEAD, DELETE, OPTIONS"],
  ["dead-letters/1/redrive", "POST, OPTIONS"],
])("/_hearback/%s is for operators, and says which methods it takes", async (path, allow) => {
  expect((await ask(`/_hearback/${path}`, { method: "PUT" })).status).toBe(401);
  for (const method of ["GET", "POST", "DELETE"].filter((one) => allow.includes(one)))
    expect((await ask(`/_hearback/${path}`, { method })).status).toBe(401);
  const refused = await operatorAsks(path, { method: "PUT" });
  expect(refused).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
  expect(refused.headers.get("allow")).toBe(allow);
});

test.each(["limit=0", "limit=101", "limit=x", "limit=", "before=x"])(
  "a list of dead letters with %s is a bad request",
  async (query) => {
    expect((await operatorAsks(`dead-letters?${query}`)).status).toBe(400);
  },
);

test("what is no ID is no path", async () => {
  expect((await operatorAsks("dead-letters/latest")).status).toBe(404);
});

/** A record that was never in Kafka, without any ID. */
function recordAt(offset: number, valueBytes = 4): KafkaRecord {
  const value = encodeText("x".repeat(valueBytes));
  return { topic: "replies", partition: 0, offset, timestamp: 0, key: null, value, headers: [] };
}

/** A table of its own, in the storage of a drain that reads nothing. */
function inOwnTable<T>(work: (letters: DeadLetters, sql: SqlStorage) => T): Promise<T> {
  const other = env.REPLY_DRAIN.get(env.REPLY_DRAIN.newUniqueId());
  return runInDurableObject(other, (_, { storage }) => work(new DeadLetters(storage.sql), storage.sql));
}

const why = { verdict: "malformed", reason: "no correlation ID" } as const;

const lost = { verdict: "undeliverable", reason: "the waiter stayed out of reach" } as const;

test.each([
  { verdict: "undeliverable", count: 1_000, bytes: 32 * 1024 * 1024 },
  { verdict: "malformed", count: 250, bytes: 4 * 1024 * 1024 },
] as const)(
  "of dead letters that are $verdict the newest $count are kept, and no more than $bytes bytes of them",
  async ({ verdict, count, bytes }) => {
    await inOwnTable((letters, sql) => {
      // A second for each: there is a limit to how many of them are kept in a minute.
      const add = (offset: number, valueBytes?: number) =>
        letters.add(recordAt(offset, valueBytes), { ...why, verdict }, offset * 1_000);
      for (let offset = 0; offset < count + 10; offset++) add(offset);
      const { ids } = letters.page(2_000);
      expect([letters.count, ids.length, letters.get(ids.at(-1) ?? 0)?.offset]).toEqual([count, count, 10]);
      const large = 1_000_000;
      for (let offset = 0; offset < 30; offset++) add(2_000 + offset, large);
      const { total } = sql.exec<{ total: number }>("SELECT SUM(bytes) AS total FROM dead_letters").one();
      expect(total).toBeLessThanOrEqual(bytes);
      // The next one would not have fitted any more.
      expect(total).toBeGreaterThan(bytes - 2 * large);
      expect(letters.page(2_000).ids).toHaveLength(letters.count);
      expect(new DeadLetters(sql).count).toBe(letters.count);
    });
  },
);

test("however many replies are malformed, those that are undeliverable are kept, also by the next instance", async () => {
  await inOwnTable((letters, sql) => {
    for (let offset = 0; offset < 20; offset++) letters.add(recordAt(offset), lost, offset);
    for (let offset = 20; offset < 400; offset++) letters.add(recordAt(offset), why, offset * 1_000);
    expect(letters.count).toBe(20 + 250);
    const next = new DeadLetters(sql);
    for (let offset = 400; offset < 500; offset++) next.add(recordAt(offset), why, offset * 1_000);
    const kept = next.page(2_000).ids.map((id) => next.get(id));
    expect(kept.filter((letter) => letter?.verdict === "undeliverable")).toHaveLength(20);
    expect(kept.filter((letter) => letter?.verdict === "malformed")).toHaveLength(250);
    expect(kept[0]?.offset).toBe(499);
  });
});

test("no more than 100 malformed replies a minute are kept, and undeliverable ones as many as there are", async () => {
  await inOwnTable((letters) => {
    for (let offset = 0; offset < 150; offset++) letters.add(recordAt(offset), why, offset);
    expect(letters.count).toBe(100);
    for (let offset = 200; offset < 400; offset++) letters.add(recordAt(offset), lost, offset);
    expect(letters.count).toBe(300);
    letters.add(recordAt(500), why, 59_999);
    expect(letters.count).toBe(300);
    letters.add(recordAt(501), why, 60_000);
    expect(letters.count).toBe(301);
  });
});

test("a record that is read again after a reset stays one dead letter, and another one in its place is another", async () => {
  await inOwnTable((letters) => {
    for (const at of [1, 2]) letters.add(recordAt(7), why, at);
    expect(letters.count).toBe(1);
    letters.add(recordAt(7, 5), why, 3);
    // Too large to be kept, and so only as good as its place.
    for (const at of [4, 5]) letters.add(recordAt(8, 1_500_000), why, at);
    expect(letters.count).toBe(3);
  });
});

test("the ID of a dead letter that was discarded is never given to another one", async () => {
  await inOwnTable((letters) => {
    letters.add(recordAt(1), why, 5_000);
    const [first] = letters.page(1).ids;
    expect(letters.remove(first ?? 0)).toBe(true);
    expect(letters.remove(first ?? 0)).toBe(false);
    letters.add(recordAt(2), why, 5_001);
    letters.add(recordAt(3), why, 5_001);
    const { ids } = letters.page(3);
    expect([letters.count, new Set([first, ...ids]).size]).toEqual([2, 3]);
  });
});

test("dead letters from before there were reasons are read as undeliverable, and an earlier deploy can add more", async () => {
  await inOwnTable((_, sql) => {
    sql.exec("DROP TABLE dead_letters");
    sql.exec(`CREATE TABLE dead_letters (
      id INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, bytes INTEGER NOT NULL, record TEXT)`);
    const addAsBefore = (offset: number) =>
      sql.exec(
        "INSERT INTO dead_letters (at, source, bytes, record) VALUES (?, ?, ?, ?)",
        offset,
        `replies/0/${offset}`,
        0,
        null,
      );
    addAsBefore(1);
    const letters = new DeadLetters(sql);
    addAsBefore(2);
    letters.add(recordAt(3), why, Date.now());
    addAsBefore(4);
    expect(letters.page(4).ids.map((id) => letters.get(id))).toMatchObject([
      { offset: 4, verdict: "undeliverable", reason: "not recorded" },
      { offset: 3, ...why },
      { offset: 2, verdict: "undeliverable" },
      { offset: 1, at: 1, topic: "replies", partition: 0, verdict: "undeliverable" },
    ]);
  });
});
