// When the one alarm of an object rings, and that it is written only when that changes. The runtime tests show that it rings.

import { expect, test } from "vitest";
import { Alarm, nextAlarm } from "../../durable/alarm.ts";

/** Storage that writes down what it is asked; each line is a row that is paid for. `rows`: keys beside the alarm. */
function storage({ rows = 0 } = {}) {
  const written: string[] = [];
  const note =
    (what: string) =>
    async (...[first, second]: unknown[]): Promise<void> => {
      const at = typeof first === "number" ? ` ${first}` : "";
      const { allowUnconfirmed = false } = ((at === "" ? first : second) ?? {}) as {
        allowUnconfirmed?: boolean;
      };
      written.push(`${what}${at}${allowUnconfirmed ? ", unconfirmed" : ""}`);
    };
  return {
    written,
    storage: {
      setAlarm: note("set"),
      deleteAlarm: note("delete"),
      deleteAll: note("delete all"),
      kv: { list: () => Array.from({ length: rows }, (_, row) => [String(row), row]) },
    } as unknown as DurableObjectStorage,
  };
}

test("it rings for the earliest of what parked callers wait for, what is kept and what is to be told", () => {
  expect(nextAlarm({})).toBeUndefined();
  expect(nextAlarm({ parkedUntil: 5_000 })).toBe(5_000);
  expect(nextAlarm({ keepUntil: 60_000 })).toBe(60_000);
  expect(nextAlarm({ parkedUntil: 5_000, keepUntil: 60_000 })).toBe(5_000);
  expect(nextAlarm({ parkedUntil: 70_000, keepUntil: 60_000 })).toBe(60_000);
  expect(nextAlarm({ parkedUntil: 0, keepUntil: 60_000 })).toBe(0);
  expect(nextAlarm({ keepUntil: 60_000, callbackAt: 2_000 })).toBe(2_000);
  expect(nextAlarm({ parkedUntil: 1_000, keepUntil: 60_000, callbackAt: 2_000 })).toBe(1_000);
});

test("an object that nobody parks at and that keeps nothing writes nothing", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  for (let turn = 0; turn < 5; turn++) alarm.keep({}, false);
  expect(written).toEqual([]);
});

test("what does not change is not written again", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  for (let turn = 0; turn < 5; turn++) alarm.keep({ parkedUntil: 5_000, keepUntil: 60_000 }, true);
  alarm.keep({ parkedUntil: 5_000, keepUntil: 70_000 }, true);
  expect(written).toEqual(["set 5000"]);
});

test("it follows what is waited for and what is kept, one write for each change", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.keep({ keepUntil: 60_000 }, true);
  alarm.keep({ parkedUntil: 5_000, keepUntil: 60_000 }, true);
  alarm.keep({ keepUntil: 60_000 }, true);
  alarm.keep({}, false);
  alarm.keep({}, false);
  expect(written).toEqual(["set 60000", "set 5000", "set 60000", "delete all"]);
});

test("nothing waits for the disk where no row depends on it", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.keep({ parkedUntil: 5_000 }, false);
  alarm.keep({}, false);
  expect(written).toEqual(["set 5000, unconfirmed", "delete all"]);
});

test("what an earlier instance set is left alone as long as it rings in time", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.inherit(60_000);
  expect(alarm.isInherited).toBe(true);
  alarm.keep({ keepUntil: 60_000 }, true);
  alarm.keep({ keepUntil: 90_000 }, true);
  expect(written).toEqual([]);
  // Now somebody is parked, whom the one that is set may be too late for.
  alarm.keep({ parkedUntil: 5_000, keepUntil: 90_000 }, true);
  expect(alarm.isInherited).toBe(false);
  expect(written).toEqual(["set 5000"]);
});

test("of two things that were found the earlier one counts, and what is set here counts alone", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.inherit(5_000);
  alarm.inherit(60_000);
  alarm.keep({ parkedUntil: 5_000 }, false);
  expect(written).toEqual([]);
  alarm.keep({ parkedUntil: 4_000 }, false);
  alarm.inherit(1_000);
  expect(alarm.isInherited).toBe(false);
  alarm.keep({ parkedUntil: 4_000 }, false);
  expect(written).toEqual(["set 4000, unconfirmed"]);
});

test("an alarm of an earlier instance that nothing asks for any more is taken down", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.inherit(5_000);
  alarm.keep({}, false);
  expect(written).toEqual(["delete all"]);
});

test("rows that nobody here asked for are left alone: only the alarm is taken down", () => {
  const { storage: fake, written } = storage({ rows: 1 });
  const alarm = new Alarm(fake);
  alarm.keep({ parkedUntil: 5_000 }, false);
  alarm.keep({}, false);
  expect(written).toEqual(["set 5000, unconfirmed", "delete, unconfirmed"]);
  alarm.keep({ parkedUntil: 6_000 }, false);
  alarm.rang();
  alarm.keep({}, false);
  expect(written.slice(2)).toEqual(["set 6000, unconfirmed"]);
});

test("what went with everything else is not taken down once more", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.keep({ keepUntil: 60_000 }, true);
  alarm.rang();
  alarm.gone();
  alarm.keep({}, false);
  expect(written).toEqual(["set 60000"]);
});

test("what could not be done is due once more", async () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  await alarm.again(90_000);
  alarm.keep({ keepUntil: 90_000 }, true);
  expect(written).toEqual(["set 90000"]);
});

test("once it rang it is set again for what is still to come, even at the same instant", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  alarm.keep({ parkedUntil: 5_000 }, false);
  alarm.rang();
  // It came a little early: nothing was due.
  alarm.keep({ parkedUntil: 5_000 }, false);
  alarm.rang();
  alarm.keep({}, false);
  // The platform has taken it down; what it keeps of it goes with everything.
  expect(written).toEqual(["set 5000, unconfirmed", "set 5000, unconfirmed", "delete all"]);
});

test("once it rang, what an earlier instance kept is no sign of another alarm: it is set again", () => {
  const { storage: fake, written } = storage();
  const alarm = new Alarm(fake);
  // In a new instance, for callers who were lost with the old one.
  alarm.rang();
  alarm.inherit(60_000);
  alarm.keep({ keepUntil: 60_000 }, true);
  expect(written).toEqual(["set 60000"]);
});
