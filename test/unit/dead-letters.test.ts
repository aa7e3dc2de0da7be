// Dead letters: how one is shown, and what becomes of one that is tried again.

import { describe, expect, test } from "vitest";
import { everything, preview, show } from "../../consumer/dead-letter-view.ts";
import { DeadLetterDesk } from "../../consumer/dead-letter-desk.ts";
import type { DeadLetter } from "../../consumer/dead-letters.ts";
import type { Fate } from "../../consumer/dispatch.ts";
import type { SparseCounts } from "../../consumer/ledger.ts";
import { redrive, redriveAll, redrivesPerCall, type RedriveDeps } from "../../consumer/redrive.ts";
import type { KafkaRead, LogPosition } from "../../kafka/index.ts";
import { encodeText, textHeader, type DrainVerdict, type KafkaRecord } from "../../protocol/index.ts";

const record: KafkaRecord = {
  topic: "replies",
  partition: 2,
  offset: 7,
  timestamp: 1_000,
  key: encodeText("key"),
  value: encodeText("body"),
  headers: [textHeader("X-Correlation-ID", "id-1"), { key: "X-Binary", value: Uint8Array.of(0, 255) }],
};

const letter: DeadLetter = {
  id: 1,
  at: 2_000,
  topic: "replies",
  partition: 2,
  offset: 7,
  verdict: "malformed",
  reason: "no correlation ID",
  record,
};

describe("a dead letter is shown", () => {
  const eight = { bytes: 8, headers: 2 };
  const shownValue = (value: Uint8Array | null, limits = eight) =>
    show({ ...letter, record: { ...record, value } }, limits).value;

  test("with its place, its reason and the correlation ID; header by header as text or base64", () => {
    expect(show(letter, preview)).toEqual({
      id: 1,
      at: 2_000,
      topic: "replies",
      partition: 2,
      offset: 7,
      verdict: "malformed",
      reason: "no correlation ID",
      timestamp: 1_000,
      correlationId: "id-1",
      bytes: 3 + 4 + "X-Correlation-ID".length + 4 + "X-Binary".length + 2,
      key: { text: "key" },
      headers: [
        { key: "X-Correlation-ID", text: "id-1" },
        { key: "X-Binary", base64: "AP8=" },
      ],
      value: { text: "body" },
    });
  });

  test("by the record's key where it has no correlation ID, and without one where nothing is readable", () => {
    const idOf = (key: Uint8Array | null) =>
      show({ ...letter, record: { ...record, key, headers: [] } }, eight).correlationId;
    expect([idOf(encodeText("k")), idOf(Uint8Array.of(255)), idOf(null), idOf(encodeText(""))]).toEqual([
      "k",
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("with no more of its value than asked for, and never half a character of it", () => {
    expect(shownValue(encodeText("12345678"))).toEqual({ text: "12345678" });
    expect(shownValue(encodeText("123456789"))).toEqual({ text: "12345678", cut: true });
    expect(shownValue(encodeText("1234567é"))).toEqual({ text: "1234567", cut: true });
    expect(shownValue(encodeText("12345😀"))).toEqual({ text: "12345", cut: true });
    expect(shownValue(new Uint8Array(9).fill(0x80))).toEqual({ base64: "gICAgICAgIA=", cut: true });
    expect(shownValue(new Uint8Array(9).fill(0x80), everything)).toEqual({ base64: "gICAgICAgICA" });
  });

  test("with no more of its key, its ID and its headers either, and with how many headers are left out", () => {
    const long = "123456789";
    const headers = [textHeader("X-Correlation-ID", long), textHeader(long, long), textHeader("a", "b")];
    expect(show({ ...letter, record: { ...record, key: encodeText(long), headers } }, eight)).toMatchObject({
      correlationId: "12345678",
      key: { text: "12345678", cut: true },
      headers: [
        { key: "X-Correl", text: "12345678", cut: true },
        { key: "12345678", text: "12345678", cut: true },
      ],
      moreHeaders: 1,
    });
  });

  test.each([
    ["text", "x".repeat(1_000_000)],
    ["bytes", new Uint8Array(1_000_000).fill(0x80)],
  ])("so that 100 of the largest fit in the answer of one RPC call: %s", (_, long) => {
    const [bytes, name] = typeof long === "string" ? [encodeText(long), long] : [long, "x".repeat(1_000_000)];
    const headers = Array.from({ length: 100 }, () => ({ key: name, value: bytes }));
    const shown = show({ ...letter, record: { ...record, key: bytes, value: bytes, headers } }, preview);
    // A string takes two bytes a character as soon as one of them needs two.
    expect(100 * 2 * JSON.stringify(shown).length).toBeLessThan(32 * 1024 * 1024);
  });

  test("as base64 where text has control characters, but for tabs and line ends", () => {
    expect(shownValue(encodeText("a\t\r\n"))).toEqual({ text: "a\t\r\n" });
    expect(shownValue(encodeText("a\u001b[2J"))).toEqual({ base64: "YRtbMko=" });
    expect([shownValue(null), shownValue(new Uint8Array())]).toEqual([null, { text: "" }]);
  });

  test("by its place alone where its record was too large to be kept", () => {
    const { record: _, ...without } = letter;
    expect(show(without, eight)).toEqual(without);
  });
});

/** Letters with these IDs, newest first, each of which is given the same fate. */
function redriveWith(
  letters: readonly DeadLetter[],
  options: {
    readonly fate?: Fate;
    readonly fetched?: KafkaRead<readonly KafkaRecord[]>;
    readonly redriveMs?: number;
  } = {},
) {
  const kept = new Map(letters.map((one) => [one.id, one]));
  const dispatched: KafkaRecord[] = [];
  const counted: DrainVerdict[] = [];
  const fetches: (readonly LogPosition[])[] = [];
  let clock = 0;
  const deps: RedriveDeps = {
    letters: {
      get: (id) => kept.get(id),
      page: (limit, before?: number) => {
        const older = [...kept.keys()].filter((id) => id < (before ?? Infinity)).toSorted((a, b) => b - a);
        const ids = older.slice(0, limit);
        const last = ids.at(-1);
        return older.length > limit && last !== undefined ? { ids, next: last } : { ids };
      },
      remove: (id) => kept.delete(id),
    },
    kafka: {
      fetch: async (positions) => {
        fetches.push(positions);
        return options.fetched ?? { status: "read", value: [] };
      },
    },
    dispatch: async (one, settle) => {
      dispatched.push(one);
      clock += options.redriveMs ?? 0;
      settle(options.fate ?? { verdict: "accepted" });
    },
    redriven: (verdict) => counted.push(verdict),
    now: () => clock,
  };
  return { deps, dispatched, counted, fetches, left: () => [...kept.keys()] };
}

describe("a dead letter that is tried again", () => {
  test.each(["accepted", "held", "late", "duplicate", "foreign", "unknown"] as const)(
    "is removed when it is %s, and counted",
    async (verdict) => {
      const { deps, dispatched, counted, left } = redriveWith([letter], { fate: { verdict } });
      expect(await redrive(deps, 1)).toEqual({ status: "redriven", verdict });
      expect([dispatched, counted, left()]).toEqual([[record], [verdict], []]);
    },
  );

  test.each(["malformed", "undeliverable"] as const)("stays when it is %s again", async (verdict) => {
    const { deps, counted, left } = redriveWith([letter], { fate: { verdict } });
    expect(await redrive(deps, 1)).toEqual({ status: "redriven", verdict });
    expect([counted, left()]).toEqual([[verdict], [1]]);
  });

  test("is read from its place in Kafka where it was too large to be kept, and stays when it cannot be", async () => {
    const { record: _, ...without } = letter;
    const behind = { ...record, offset: 8 };
    const there = redriveWith([without], { fetched: { status: "read", value: [record, behind] } });
    expect(await redrive(there.deps, 1)).toEqual({ status: "redriven", verdict: "accepted" });
    expect([there.dispatched, there.left()]).toEqual([[record], []]);
    expect(there.fetches).toEqual([[{ topic: "replies", partition: 2, offset: 7, log: "" }]]);
    const gone = redriveWith([without], { fetched: { status: "read", value: [behind] } });
    expect(await redrive(gone.deps, 1)).toEqual({ status: "gone" });
    const silent = redriveWith([without], { fetched: { status: "unreachable", cause: "no bridge" } });
    expect(await redrive(silent.deps, 1)).toEqual({ status: "unreachable" });
    for (const { counted, left } of [gone, silent]) expect([counted, left()]).toEqual([[], [1]]);
  });

  test("is unknown when there is none of that ID", async () => {
    const { deps, counted } = redriveWith([letter]);
    expect(await redrive(deps, 2)).toEqual({ status: "unknown" });
    expect(counted).toEqual([]);
  });
});

test("a busy waiter is not pursued with a dead letter for as long as its reply is of use", async () => {
  let clock = 0;
  let counted: SparseCounts = {};
  const { deps, left } = redriveWith([{ ...letter, record: replyFor("a".repeat(64), 3_600_000) }]);
  const desk = new DeadLetterDesk({
    letters: deps.letters,
    stored: { loadRedriven: () => ({ late: 1 }), saveRedriven: (counts) => (counted = counts) },
    kafka: deps.kafka,
    waiterIdOf: async (id) => id,
    calls: {
      waiterFor: () => ({
        deliver: async () => {
          throw Object.assign(new Error("busy"), { overloaded: true });
        },
      }),
      parallel: 1,
      callTimeoutMs: 1_000,
      now: () => clock,
      pause: async (ms) => {
        clock += ms;
      },
      random: () => 0.5,
    },
  });
  expect(await desk.redrive(1)).toEqual({ status: "redriven", verdict: "undeliverable" });
  expect(clock).toBeLessThan(20_000);
  expect([left(), counted, desk.redriven]).toEqual([
    [1],
    { late: 1, undeliverable: 1 },
    { late: 1, undeliverable: 1 },
  ]);
});

function replyFor(id: string, keepUntil: number): KafkaRecord {
  const headers = [textHeader("X-Correlation-ID", id), textHeader("X-Keep-Until", String(keepUntil))];
  return { ...record, headers };
}

describe("all dead letters that are tried again", () => {
  const letters = (count: number) => Array.from({ length: count }, (_, at) => ({ ...letter, id: at + 1 }));

  test("are as many as one call may take, and the answer says where to go on", async () => {
    const { deps, left } = redriveWith(letters(redrivesPerCall + 2), { fate: { verdict: "malformed" } });
    const first = await redriveAll(deps);
    expect(first).toEqual({ verdicts: { malformed: redrivesPerCall }, unread: 0, next: 3 });
    expect(await redriveAll(deps, first.next)).toEqual({ verdicts: { malformed: 2 }, unread: 0 });
    expect(left()).toHaveLength(redrivesPerCall + 2);
  });

  test("take no longer than an operator waits, and go on with the first that was not tried", async () => {
    const { deps, dispatched } = redriveWith(letters(5), { redriveMs: 15_000 });
    const first = await redriveAll(deps);
    expect([first, dispatched.length]).toEqual([{ verdicts: { accepted: 2 }, unread: 0, next: 4 }, 2]);
    expect(await redriveAll(deps, first.next)).toEqual({ verdicts: { accepted: 2 }, unread: 0, next: 2 });
  });

  test("count apart those whose record cannot be had", async () => {
    const { record: _, ...without } = letter;
    const { deps } = redriveWith([{ ...letter, id: 3 }, { ...without, id: 2 }, letter]);
    expect(await redriveAll(deps)).toEqual({ verdicts: { accepted: 2 }, unread: 1 });
  });
});
