// Whether a record may be produced again, and what a caller is told of it.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KafkaPort } from "../../kafka/index.ts";
import { encodeText, type NewRecord, type ProduceOutcome } from "../../protocol/index.ts";
import { produceOnce, produceUntilKnown, type RecordFate } from "../../worker/exchange/produce.ts";

const record: NewRecord = { topic: "requests", key: encodeText("k"), value: null, headers: [] };
const appended: ProduceOutcome = { status: "appended", partition: 0, offset: 7 };
const unknown: ProduceOutcome = { status: "unknown" };
const refused: ProduceOutcome = {
  status: "refused",
  reason: "no broker is reachable",
  why: "unavailable",
  retryAfter: 7,
};

let warnings: unknown[][];
beforeEach(() => {
  warnings = vi.spyOn(console, "warn").mockImplementation(() => {}).mock.calls;
});
afterEach(() => vi.restoreAllMocks());

/** Kafka that answers like this, call by call and the last answer again and again; an attempt takes its whole time. */
function kafkaOf(answers: readonly ProduceOutcome[], clock: { now: number }) {
  const calls: { record: NewRecord; timeoutMs: number; at: number }[] = [];
  const kafka: Pick<KafkaPort, "produce"> = {
    produce: async (produced, timeoutMs) => {
      const answer = answers[Math.min(calls.length, answers.length - 1)] ?? unknown;
      calls.push({ record: produced, timeoutMs, at: clock.now });
      if (answer.status === "unknown") clock.now += timeoutMs;
      return answer;
    },
  };
  return { kafka: kafka as KafkaPort, calls };
}

/** Repeats until it is known, from 0 on with attempts of 3 s. */
async function repeat(
  answers: readonly ProduceOutcome[],
  {
    giveUpAt = 600_000,
    mayBeWritten = false,
    isOver = () => false,
  }: { giveUpAt?: number; mayBeWritten?: boolean; isOver?: (now: number) => boolean } = {},
) {
  const clock = { now: 0 };
  const { kafka, calls } = kafkaOf(answers, clock);
  const unknowns: number[] = [];
  const fate: RecordFate = await produceUntilKnown(kafka, record, 3_000, {
    giveUpAt,
    mayBeWritten,
    now: () => clock.now,
    pause: async (ms) => void (clock.now += ms),
    onUnknown: () => unknowns.push(clock.now),
    isOver: async () => isOver(clock.now),
  });
  return { fate, calls, unknowns };
}

test("what Kafka says is what a wait can end with, and no more of it", async () => {
  const once = (answer: ProduceOutcome) => produceOnce(kafkaOf([answer], { now: 0 }).kafka, record, 3_000);
  expect(await once(appended)).toEqual({ status: "appended" });
  expect(await once(unknown)).toEqual({ status: "unknown" });
  expect(await once(refused)).toEqual({ status: "refused", retryAfter: 7 });
  expect(await once({ ...refused, why: "too-large" })).toEqual({
    status: "refused",
    retryAfter: 7,
    tooLarge: true,
  });
});

test("a refusal is logged by its topic and reason, and nothing of the record", async () => {
  const told = { ...record, topic: "told", value: encodeText("secret") };
  await produceOnce(kafkaOf([refused], { now: 0 }).kafka, told, 3_000);
  expect(warnings).toEqual([["hearback: a record for told was refused: no broker is reachable"]]);
});

test("an attempt that is answered is the only one", async () => {
  for (const answer of [appended, refused]) {
    const { fate, calls, unknowns } = await repeat([answer]);
    expect(fate.status).toBe(answer.status);
    expect(calls).toEqual([{ record, timeoutMs: 3_000, at: 0 }]);
    expect(unknowns).toEqual([]);
  }
});

test("an attempt without an answer is repeated, the same record, until one is appended", async () => {
  const { fate, calls, unknowns } = await repeat([unknown, unknown, appended]);
  expect(fate).toEqual({ status: "appended" });
  expect(calls.map(({ at }) => at)).toEqual([0, 3_500, 7_500]);
  expect(calls.every((call) => call.record === record)).toBe(true);
  // Said once, as soon as the first has had its time.
  expect(unknowns).toEqual([3_000]);
});

test("a refusal after an attempt without an answer is no refusal, and later attempts go on", async () => {
  const { fate, calls } = await repeat([unknown, refused, refused, appended]);
  expect(fate).toEqual({ status: "appended" });
  expect(calls).toHaveLength(4);
  expect((await repeat([unknown, refused])).fate).toEqual({ status: "unknown" });
});

test("a refusal is none either where somebody else may have produced the record, unless it is too large for anybody", async () => {
  expect((await repeat([refused, appended], { mayBeWritten: true })).fate).toEqual({ status: "appended" });
  const tooLarge: ProduceOutcome = { ...refused, why: "too-large" };
  expect((await repeat([tooLarge], { mayBeWritten: true })).fate).toMatchObject({ tooLarge: true });
  expect((await repeat([unknown, tooLarge])).fate).toMatchObject({ tooLarge: true });
});

test("no attempt begins more than 20 s after the first one: the bridge must know the record again", async () => {
  for (const answers of [[unknown], [unknown, refused]]) {
    const { fate, calls } = await repeat(answers);
    expect(fate).toEqual({ status: "unknown" });
    expect(calls.length).toBeGreaterThan(4);
    expect(Math.max(...calls.map(({ at }) => at))).toBeLessThan(20_000);
  }
});

test("no attempt but the first begins when nobody has a use for it any more", async () => {
  const { fate, calls } = await repeat([unknown], { giveUpAt: 3_400 });
  expect(fate).toEqual({ status: "unknown" });
  expect(calls.map(({ at }) => at)).toEqual([0]);
});

test("once the exchange is over its record is not produced again: it could come behind what takes it back", async () => {
  const { fate, calls } = await repeat([unknown], { isOver: (now) => now >= 5_000 });
  expect(fate).toEqual({ status: "unknown" });
  expect(calls.map(({ at }) => at)).toEqual([0, 3_500]);
});
