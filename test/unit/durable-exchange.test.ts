// The use case of a durable exchange against a scripted waiter and Kafka: who produces, who is told what, and what goes
// on when a caller is gone. Time is a number that pauses move.

import { expect, test, vi } from "vitest";
import { leaseMs, type Produced, type Terms } from "../../durable/exchange.ts";
import type { KafkaPort } from "../../kafka/index.ts";
import type { Attempt, AttachOutcome, NewRecord, OpenOutcome, ProduceOutcome } from "../../protocol/index.ts";
import { durableExchange, type DurableExchangeDeps } from "../../worker/durable-exchange.ts";
import type { ParkedWait } from "../../worker/wait.ts";

// The waiter's class comes along with its words, and needs the platform.
vi.mock("cloudflare:workers", () => ({ DurableObject: Object }));

const terms: Terms = {
  service: "orders",
  principal: "",
  replyTopic: "replies",
  fingerprint: "one",
  createdAt: 1_000,
  deadlineAt: 31_000,
  keepUntil: 91_000,
};
const attempt: Attempt = { attempt: 1_000, createdAt: 1_000, deadlineAt: 31_000, keepUntil: 91_000 };
const reply = { status: 200, body: new Uint8Array([1]) };
const waiting = { status: "waiting", createdAt: 1_000, deadlineAt: 31_000 } as const;
const appended: ProduceOutcome = { status: "appended", partition: 0, offset: 0 };
const refused: ProduceOutcome = { status: "refused", reason: "down", why: "unavailable", retryAfter: 3 };

interface Script {
  readonly opens?: readonly (OpenOutcome | Error)[];
  readonly produces?: readonly ProduceOutcome[];
  readonly confirms?: readonly ("goes-on" | "ended" | Error)[];
  /** What a look without waiting tells; a hold tells the same when its time is over. */
  readonly looks?: readonly AttachOutcome[];
  /** How a parked wait ends; by itself it never does. */
  readonly parked?: ParkedWait["ended"];
}

function stage(script: Script, { waitUntil = 31_000, spinMs = 0 } = {}) {
  let now = 1_000;
  const said = {
    opened: [] as string[],
    produced: [] as NewRecord[],
    confirmed: [] as Produced[],
    closed: 0,
  };
  const work: Promise<unknown>[] = [];
  const leaving = new AbortController();
  /** The next of a list, and its last one from then on. */
  const next = <T>(list: readonly T[], at: number): T => {
    const found = list[Math.min(at, list.length - 1)];
    if (found === undefined) throw new Error("the script has nothing to say here");
    if (found instanceof Error) throw found;
    return found;
  };
  let looked = 0;
  const look = () => next(script.looks ?? [waiting], looked++);
  const deps: DurableExchangeDeps = {
    kafka: {
      produce: async (record: NewRecord) => {
        said.produced.push(record);
        return next(script.produces ?? [appended], said.produced.length - 1);
      },
    } as unknown as KafkaPort,
    waiter: () => ({
      open: async (_, opener) => {
        said.opened.push(opener);
        return next(script.opens ?? [{ status: "created", attempt }], said.opened.length - 1) as OpenOutcome;
      },
      confirm: async (_, produced) => {
        said.confirmed.push(produced);
        return next(script.confirms ?? ["goes-on"], said.confirmed.length - 1) as "goes-on";
      },
      attach: async () => look(),
    }),
    port: {
      hold: async (ms) => {
        now += ms;
        return look();
      },
      park: async () => ({ ended: script.parked ?? new Promise(() => {}), close: () => void said.closed++ }),
    },
    nudge: async () => {},
    afterwards: (each) => void work.push(each),
    now: () => now,
    pause: async (ms) => {
      // Not faster than what waits for a turn of the loop.
      await new Promise(setImmediate);
      now += ms;
    },
  };
  const outcome = durableExchange(
    deps,
    {
      terms,
      opener: "me",
      recordOf: ({ attempt: which, deadlineAt }) => ({
        topic: `requests ${which} ${deadlineAt}`,
        key: null,
        value: null,
        headers: [],
      }),
      produceTimeoutMs: 100,
      waitUntil,
      likelyUntil: 11_000,
      spinMs,
    },
    leaving.signal,
  );
  return { outcome, said, leaving, done: () => Promise.all(work), now: () => now };
}

test("who created it produces, says so, and waits for the reply", async () => {
  const { outcome, said, done } = stage({ parked: Promise.resolve({ status: "replied", reply }) });
  expect(await outcome).toEqual({ status: "replied", reply });
  await done();
  expect(said.produced.map(({ topic }) => topic)).toEqual(["requests 1000 31000"]);
});

test("who takes over produces the record of the attempt it was told, not one of its own", async () => {
  const taken = { ...attempt, attempt: 900, deadlineAt: 20_000 };
  const { outcome, said } = stage({
    opens: [{ status: "takeover", attempt: taken }],
    parked: Promise.resolve({ status: "replied", reply }),
  });
  await outcome;
  expect(said.produced.map(({ topic }) => topic)).toEqual(["requests 900 20000"]);
});

test("who joins produces nothing, and opens again when the word is not there in time", async () => {
  const joined = { status: "joined", attempt, confirmBy: 1_000 + leaseMs } as const;
  const { outcome, said, now } = stage(
    {
      opens: [joined, { ...joined, confirmBy: undefined }],
      looks: [waiting, waiting, { status: "replied", reply }],
    },
    { spinMs: 1_500, waitUntil: 10_000 },
  );
  expect(await outcome).toEqual({ status: "replied", reply });
  expect(said.produced).toEqual([]);
  expect(said.opened).toEqual(["me", "me"]);
  expect(now()).toBeGreaterThanOrEqual(1_000 + leaseMs);
});

test("an open whose answer was lost is repeated under the same name", async () => {
  const { outcome, said } = stage({
    opens: [new Error("reset"), new Error("reset"), { status: "replied", reply }],
  });
  expect(await outcome).toEqual({ status: "replied", reply });
  expect(said.opened).toEqual(["me", "me", "me"]);
});

test("a waiter that cannot be opened is unavailable after five seconds, and nothing is produced", async () => {
  const { outcome, said, now } = stage({ opens: [new Error("overloaded")] });
  expect(await outcome).toEqual({ status: "unavailable" });
  expect(said.produced).toEqual([]);
  expect(now()).toBeLessThan(7_000);
});

test("a confirm that was not heard is said again until it is", async () => {
  const { outcome, said, done } = stage(
    { confirms: [new Error("reset"), new Error("reset"), "goes-on"] },
    { waitUntil: 0 },
  );
  expect(await outcome).toEqual(waiting);
  await done();
  expect(said.confirmed).toEqual([{ status: "appended" }, { status: "appended" }, { status: "appended" }]);
});

test("who does not wait is answered when Kafka has the record, not before", async () => {
  const { outcome, said } = stage({}, { waitUntil: 0 });
  expect(await outcome).toEqual(waiting);
  expect(said.produced).toHaveLength(1);
  expect(said.confirmed).toEqual([{ status: "appended" }]);
});

test("a refused record is the end for who waits and for who does not, unless somebody else has it written", async () => {
  const end = { status: "refused", retryAfter: 3 };
  for (const waitUntil of [0, 31_000]) {
    const { outcome } = stage({ produces: [refused], confirms: ["ended"] }, { waitUntil });
    expect(await outcome).toEqual(end);
  }
  const written = stage({
    produces: [refused],
    confirms: ["goes-on"],
    looks: [{ status: "replied", reply }],
  });
  expect(await written.outcome).toEqual({ status: "replied", reply });
});

test("a produce without an answer is repeated, and a refusal after it says nothing", async () => {
  const { outcome, said, done } = stage(
    { produces: [{ status: "unknown" }, refused, appended] },
    { waitUntil: 0 },
  );
  expect(await outcome).toEqual(waiting);
  await done();
  expect(new Set(said.produced.map(({ topic }) => topic))).toEqual(new Set(["requests 1000 31000"]));
  expect(said.produced).toHaveLength(3);
  expect(said.confirmed).toEqual([{ status: "appended" }]);
});

test("a caller who leaves has its socket closed, and its record is produced and confirmed all the same", async () => {
  const { outcome, said, leaving, done } = stage({});
  await expect.poll(() => said.opened.length).toBe(1);
  leaving.abort();
  expect(await outcome).toEqual({ status: "left" });
  await done();
  expect(said.confirmed).toEqual([{ status: "appended" }]);
  await expect.poll(() => said.closed).toBeGreaterThan(0);
});

test("a caller whose patience ends looks once more: what is stored by then is not missed", async () => {
  const { outcome } = stage({ looks: [{ status: "replied", reply }] }, { waitUntil: 3_000 });
  expect(await outcome).toEqual({ status: "replied", reply });
});

test("an exchange that is gone when somebody looks is opened again while the caller waits", async () => {
  const { outcome, said } = stage(
    {
      opens: [
        { status: "joined", attempt, confirmBy: undefined },
        { status: "replied", reply },
      ],
      looks: [{ status: "gone" }],
    },
    { spinMs: 100 },
  );
  expect(await outcome).toEqual({ status: "replied", reply });
  expect(said.opened).toHaveLength(2);
});
