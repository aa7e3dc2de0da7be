// The use case of a durable exchange, against a scripted waiter and Kafka. The clock is moved by hand.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Terms, WaiterRpc } from "../../durable/index.ts";
import type { KafkaPort } from "../../kafka/index.ts";
import {
  encodeText,
  type AttachOutcome,
  type Attempt,
  type OpenOutcome,
  type ProduceOutcome,
} from "../../protocol/index.ts";
import { ParkedWaits } from "../../worker/exchange/parked-waits.ts";
import { durableExchange, type DurableOutcome } from "../../worker/exchange/durable-exchange.ts";

// The waiter's module is not used here, but comes along.
vi.mock("cloudflare:workers", () => ({ DurableObject: Object }));

const attempt: Attempt = { attempt: 0, createdAt: 0, deadlineAt: 10_000, keepUntil: 60_000 };
const created: OpenOutcome = { status: "created", attempt };
const joined = (confirmBy?: number): OpenOutcome => ({ status: "joined", attempt, confirmBy });
const replied = { status: "replied", reply: { status: 200, body: new Uint8Array([1]) } } as const;
const waiting = { status: "waiting", createdAt: 0, deadlineAt: 10_000 } as const;
const appended: ProduceOutcome = { status: "appended", partition: 0, offset: 1 };
const refused: ProduceOutcome = { status: "refused", reason: "full", why: "unavailable", retryAfter: 7 };
const never = new Promise<never>(() => {});

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Script {
  readonly open: (call: number) => Promise<OpenOutcome>;
  readonly attach?: () => Promise<AttachOutcome>;
  readonly confirm?: () => Promise<"goes-on" | "ended">;
  readonly produce?: (call: number) => Promise<ProduceOutcome>;
  /** Epoch ms up to which the caller waits. */
  readonly waitUntil?: number;
  /** The reply as it comes on the socket of those who are parked. */
  readonly reply?: Promise<typeof replied>;
}

/** Runs one call, and what is seen of it. */
function start({ open, attach, confirm, produce, waitUntil = 10_000, reply = never }: Script) {
  const calls: string[] = [];
  const leaving = new AbortController();
  const run = {
    calls,
    leaving,
    outcome: "still waiting" as DurableOutcome | "still waiting",
    openers: [] as string[],
    afterwards: [] as Promise<unknown>[],
    count: (kind: string) => calls.filter((call) => call === kind).length,
  };
  const said = async <T>(kind: string, answer: Promise<T>): Promise<T> => {
    calls.push(kind);
    return answer;
  };
  const waiter: Pick<WaiterRpc, "open" | "confirm" | "attach"> = {
    open: (_, opener) => {
      run.openers.push(opener);
      return said("open", open(run.openers.length));
    },
    confirm: (_, { status }) => said(`confirm ${status}`, confirm?.() ?? Promise.resolve("goes-on" as const)),
    attach: (_, ms) =>
      said<AttachOutcome>(ms === 0 ? "look" : "hold", attach?.() ?? Promise.resolve(waiting)),
  };
  const kafka: Pick<KafkaPort, "produce"> = {
    produce: () => said("produce", produce?.(run.count("produce") + 1) ?? Promise.resolve(appended)),
  };
  const terms: Terms = {
    service: "shop",
    principal: "",
    replyTopic: "replies",
    fingerprint: "a digest",
    createdAt: 0,
    deadlineAt: 10_000,
    keepUntil: 60_000,
  };
  void durableExchange(
    {
      kafka: kafka as KafkaPort,
      waiter: () => waiter,
      port: {
        hold: () => never,
        park: async () => {
          calls.push("park");
          return { ended: reply, close: () => calls.push("close") };
        },
      },
      nudge: async () => {},
      afterwards: (work) => run.afterwards.push(work),
      now: Date.now,
      parkedWaits: new ParkedWaits(),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    {
      terms,
      opener: "me",
      recordOf: ({ attempt: named }) => ({
        topic: "requests",
        key: encodeText(`${named}`),
        value: null,
        headers: [],
      }),
      produceTimeoutMs: 3_000,
      waitUntil,
      likelyUntil: 10_000,
      spinMs: 0,
    },
    leaving.signal,
  ).then((outcome) => (run.outcome = outcome));
  return run;
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("nothing is produced before the exchange is stored", async () => {
  const opening = Promise.withResolvers<OpenOutcome>();
  const run = start({ open: () => opening.promise });
  await passing(1_000);
  expect(run.calls).toEqual(["open"]);
  opening.resolve(created);
  await passing(0);
  expect(run.calls.slice(1).toSorted()).toEqual(["confirm appended", "park", "produce"]);
});

test("who joins produces nothing", async () => {
  const run = start({ open: async () => joined(), reply: Promise.resolve(replied) });
  await passing(0);
  expect(run.outcome).toEqual(replied);
  expect(run.calls).toEqual(["open", "park", "close"]);
});

test("what is answered, cancelled or another's is said as it is, and nothing is produced or waited for", async () => {
  for (const outcome of [replied, { status: "cancelled" }, { status: "conflict" }] as const) {
    const run = start({ open: async () => outcome });
    await passing(0);
    expect(run.outcome).toMatchObject(outcome);
    expect(run.calls).toEqual(["open"]);
  }
});

test("an open whose answer is lost is asked again under the same name, and at last given up", async () => {
  const lost = start({
    open: async (call) => {
      if (call === 1) throw new Error("the object was reset");
      return created;
    },
    reply: Promise.resolve(replied),
  });
  await passing(200);
  expect(lost.outcome).toEqual(replied);
  expect(lost.openers).toEqual(["me", "me"]);

  const hanging = start({ open: () => never });
  await passing(8_000);
  expect(hanging.outcome).toEqual({ status: "unavailable" });
  expect(hanging.count("produce")).toBe(0);
});

test("a refused produce is told to the exchange, and ends the call only if the exchange says so", async () => {
  const ended = start({
    open: async () => created,
    produce: async () => refused,
    confirm: async () => "ended",
  });
  await passing(0);
  expect(ended.calls).toContain("confirm refused");
  expect(ended.outcome).toMatchObject({ status: "refused", retryAfter: 7 });
  // Somebody else took over, and has said that the record is written.
  const goesOn = start({ open: async () => created, produce: async () => refused });
  await passing(1_000);
  expect(goesOn.outcome).toBe("still waiting");
});

test("who does not wait is answered once Kafka has, or has had its time", async () => {
  const known = start({ open: async () => created, waitUntil: 0 });
  await passing(0);
  expect(known.outcome).toEqual(waiting);
  expect(known.calls).toEqual(["open", "produce", "confirm appended"]);

  const unknown = start({
    open: async () => created,
    waitUntil: 0,
    produce: () => new Promise((resolve) => setTimeout(() => resolve({ status: "unknown" }), 3_000)),
  });
  await passing(2_999);
  expect(unknown.outcome).toBe("still waiting");
  await passing(1);
  expect(unknown.outcome).toEqual({ status: "unknown" });
  // It goes on behind the answer.
  await passing(1_000);
  expect(unknown.count("produce")).toBe(2);
});

test("a caller whose patience ends before Kafka has had its time is told so, and it says nothing of Kafka", async () => {
  const slow = start({
    open: async () => created,
    // What a slow body leaves of wait=1.
    waitUntil: 5,
    produce: () => new Promise((resolve) => setTimeout(() => resolve(appended), 50)),
  });
  await passing(5);
  expect(slow.outcome).toEqual({ status: "unknown", isEarly: true });
  const dead = start({
    open: async () => created,
    waitUntil: Date.now() + 4_000,
    produce: () => new Promise((resolve) => setTimeout(() => resolve({ status: "unknown" }), 3_000)),
  });
  await passing(4_000);
  expect(dead.outcome).toEqual({ status: "unknown" });
});

test("a client that leaves leaves its produce running, and its word is still said", async () => {
  const producing = Promise.withResolvers<ProduceOutcome>();
  const run = start({ open: async () => created, produce: () => producing.promise });
  await passing(100);
  run.leaving.abort();
  await passing(0);
  expect(run.outcome).toEqual({ status: "left" });
  expect(run.calls).toContain("close");
  producing.resolve(appended);
  await passing(0);
  expect(run.calls).toContain("confirm appended");
  await expect(Promise.all(run.afterwards)).resolves.toBeDefined();
});

test("a reply that is faster than the produce's answer spares the word, and further attempts", async () => {
  const run = start({
    open: async () => created,
    reply: Promise.resolve(replied),
    produce: (call) =>
      new Promise((resolve) =>
        setTimeout(() => resolve(call === 1 ? { status: "unknown" } : appended), 3_000),
      ),
  });
  await passing(0);
  expect(run.outcome).toEqual(replied);
  await passing(30_000);
  expect(run.calls).toEqual(["open", "produce", "park", "close"]);

  vi.setSystemTime(0);
  const answered = start({
    open: async () => created,
    reply: Promise.resolve(replied),
    produce: () => new Promise((resolve) => setTimeout(() => resolve(appended), 100)),
  });
  await passing(1_000);
  expect(answered.calls).toEqual(["open", "produce", "park", "close"]);
});

test("word of a written record that is lost on the way is said again, for three seconds", async () => {
  let tries = 0;
  const reset = start({
    open: async () => created,
    confirm: async () => {
      if (++tries < 3) throw new Error("the object was reset");
      return "goes-on";
    },
  });
  await passing(1_000);
  expect(reset.count("confirm appended")).toBe(3);

  const gone = start({ open: async () => created, confirm: () => Promise.reject(new Error("overloaded")) });
  await passing(3_500);
  const tried = gone.count("confirm appended");
  expect(tried).toBeGreaterThan(10);
  await passing(3_000);
  expect(gone.count("confirm appended")).toBe(tried);
  expect(gone.outcome).toBe("still waiting");
});

test("word of a refusal is said once: it could end an attempt that began after it", async () => {
  const run = start({
    open: async () => created,
    produce: async () => refused,
    confirm: () => Promise.reject(new Error("the object was reset")),
  });
  await passing(1_000);
  expect(run.count("confirm refused")).toBe(1);
  expect(run.outcome).toMatchObject({ status: "refused", retryAfter: 7 });
});

test("who joins what nobody confirms asks again after the lease, and takes over", async () => {
  const run = start({
    open: async (call) => (call === 1 ? joined(3_000) : { status: "takeover", attempt }),
  });
  await passing(2_999);
  expect(run.count("open")).toBe(1);
  await passing(200);
  expect(run.count("open")).toBe(2);
  expect(run.count("produce")).toBe(1);
  expect(run.openers).toEqual(["me", "me"]);
});

test("an object whose clock is behind that of its callers is not asked over and over whether the lease is over", async () => {
  const skewMs = 500;
  const run = start({
    open: async () => {
      // It is about a millisecond away.
      await new Promise((resolve) => setTimeout(resolve, 1));
      return Date.now() < 3_000 + skewMs ? joined(3_000) : { status: "takeover", attempt };
    },
  });
  await passing(3_000 + skewMs + 200);
  expect(run.count("produce")).toBe(1);
  expect(run.count("open")).toBeLessThan(20);
});

test("at the end of the caller's patience it is looked once more, so that no stored reply is missed", async () => {
  const run = start({ open: async () => created, waitUntil: 2_000, attach: async () => replied });
  await passing(2_000);
  expect(run.outcome).toEqual(replied);
  expect(run.calls.at(-1)).toBe("look");
});

test("when the waiter is out of reach at the end, the clock says whether it has expired", async () => {
  const unreachable = (): Promise<never> => Promise.reject(new Error("reset"));
  const early = start({ open: async () => created, waitUntil: 2_000, attach: unreachable });
  const late = start({ open: async () => created, attach: unreachable });
  await passing(10_300);
  expect(early.outcome).toEqual(waiting);
  expect(late.outcome).toEqual({ status: "expired", deadlineAt: 10_000 });
});

test("a confirm that was not heard is said again until it is", async () => {
  let lost = 2;
  const run = start({
    open: async () => created,
    confirm: () => (lost-- > 0 ? Promise.reject(new Error("reset")) : Promise.resolve("goes-on")),
    waitUntil: 0,
  });
  await passing(2_000);
  expect(run.outcome).toEqual(waiting);
  expect(run.count("confirm appended")).toBe(3);
  expect(run.count("produce")).toBe(1);
});

test("a produce without an answer is repeated, and a refusal after it says nothing", async () => {
  const said: ProduceOutcome[] = [{ status: "unknown" }, refused, appended];
  const run = start({ open: async () => created, produce: async (call) => said[call - 1] ?? appended });
  await passing(2_000);
  expect([run.count("produce"), run.count("confirm refused"), run.count("confirm appended")]).toEqual([
    3, 0, 1,
  ]);
  expect(run.outcome).toBe("still waiting");
});

test("an exchange that is gone when somebody looks is opened again while the caller waits", async () => {
  const run = start({
    open: async (call) => (call === 1 ? joined(1_000) : replied),
    attach: async () => ({ status: "gone" }),
  });
  await passing(2_000);
  expect(run.outcome).toMatchObject(replied);
  expect(run.openers).toEqual(["me", "me"]);
});

test("who takes over is refused nothing: whoever it took over from may have written the record", async () => {
  const run = start({
    open: async () => ({ status: "takeover", attempt }),
    produce: async (call) => (call < 3 ? refused : appended),
  });
  await passing(2_000);
  expect([run.count("produce"), run.count("confirm refused"), run.count("confirm appended")]).toEqual([
    3, 0, 1,
  ]);
  expect(run.outcome).toBe("still waiting");
});

test("who joins and does not wait is told that it goes on once the record is written, and not before", async () => {
  let isWritten = false;
  const run = start({ open: async () => joined(isWritten ? undefined : 3_000), waitUntil: 0 });
  await passing(1_000);
  expect(run.outcome).toBe("still waiting");
  isWritten = true;
  await passing(200);
  expect(run.outcome).toEqual(waiting);
  expect(run.count("produce")).toBe(0);
});

test("who joins what is refused and forgotten produces itself, whether or not it waits", async () => {
  for (const waitUntil of [0, 10_000]) {
    const run = start({
      open: async (call) => (call === 1 ? joined(Date.now() + 3_000) : created),
      confirm: async () => "ended",
      attach: async () => ({ status: "gone" }),
      produce: async () => refused,
      waitUntil,
    });
    await passing(3_500);
    expect(run.outcome).toMatchObject({ status: "refused", retryAfter: 7 });
  }
});

test("at the end of its patience who joined asks once more whether the record is written", async () => {
  const run = start({ open: async (call) => joined(call === 1 ? 3_000 : undefined), waitUntil: 1_000 });
  await passing(1_200);
  expect(run.outcome).toEqual(waiting);
  expect(run.count("open")).toBe(2);
});

test("who joins and does not wait sees to it that somebody produces, should nobody say so in time", async () => {
  const run = start({
    open: async (call) =>
      call === 1 || Date.now() < 3_000 ? joined(3_000) : { status: "takeover", attempt },
    waitUntil: 0,
  });
  await passing(2_900);
  expect([run.outcome, run.count("produce")]).toEqual(["still waiting", 0]);
  await passing(600);
  expect([run.count("produce"), run.count("confirm appended")]).toEqual([1, 1]);
});

test("of what others try in vain to produce it is told that nobody knows, and produces it after them", async () => {
  const run = start({
    open: async () => (Date.now() < 4_000 ? joined(4_000) : { status: "takeover", attempt }),
    waitUntil: 0,
  });
  await passing(3_200);
  expect(run.outcome).toEqual({ status: "unknown", isEarly: true });
  expect(run.count("produce")).toBe(0);
  await passing(1_000);
  expect([run.count("produce"), run.count("confirm appended")]).toEqual([1, 1]);
});

test("a client that leaves while its exchange is opened has its record produced all the same", async () => {
  const opening = Promise.withResolvers<OpenOutcome>();
  const run = start({ open: () => opening.promise });
  run.leaving.abort();
  await passing(0);
  expect(run.outcome).toEqual({ status: "left" });
  opening.resolve(created);
  await passing(100);
  expect([run.count("produce"), run.count("confirm appended")]).toEqual([1, 1]);
});
