// How a Worker waits: held, then parked, then attached again. The waiter is scripted, and the clock is moved by hand.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ParkedOutcome } from "../../durable/index.ts";
import type { AttachOutcome, WaitOutcome } from "../../protocol/index.ts";
import { ParkedWaits } from "../../worker/exchange/parked-waits.ts";
import { waitForEnd, type ParkedWait, type Patience } from "../../worker/exchange/wait.ts";

// The waiter's module is not used here, but comes along.
vi.mock("cloudflare:workers", () => ({ DurableObject: Object }));

const replied = { status: "replied", reply: { status: 200, body: new Uint8Array([1]) } } as const;
const waiting = { status: "waiting" } as const;
const never = new Promise<never>(() => {});

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A socket to the waiter, as the waiter sees it. */
class Socket implements ParkedWait {
  readonly #ended = Promise.withResolvers<ParkedOutcome | undefined>();
  readonly ended = this.#ended.promise;
  closed = 0;

  close(): void {
    this.closed++;
  }

  /** The message that ends the wait; without one, the socket just closes. */
  end(outcome?: ParkedOutcome): void {
    this.#ended.resolve(outcome);
  }
}

type Hold = (ms: number) => Promise<WaitOutcome | AttachOutcome>;
type Park = () => Promise<ParkedWait>;

/** What the waiter does at each call, in order; the last one again and again. */
interface Script {
  readonly holds?: readonly Hold[];
  readonly parks?: readonly Park[];
}

const holdsFor =
  (outcome: WaitOutcome): Hold =>
  (ms) =>
    new Promise((resolve) => setTimeout(() => resolve(outcome), ms));
const parksOn =
  (socket: Socket): Park =>
  async () =>
    socket;
const noSocket: Park = async () => {
  throw new Error("the waiter parks nobody: 404");
};

/** Starts a wait with what is told of it: each call with its instant, and the result as soon as there is one. */
function start({ holds = [], parks = [] }: Script, patience: Patience, ended = new AbortController()) {
  const calls: string[] = [];
  let held = 0;
  let parked = 0;
  const wait = {
    calls,
    ended,
    result: "still waiting" as ParkedOutcome | "still waiting" | undefined,
    endedAt: undefined as number | undefined,
    nudges: [] as { at: number; waitsLong: boolean }[],
    count: (kind: string) => calls.filter((call) => call.startsWith(kind)).length,
  };
  void waitForEnd(
    {
      port: {
        hold: (ms) => {
          calls.push(`hold ${ms} at ${Date.now()}`);
          return holds[Math.min(held++, holds.length - 1)]?.(ms) ?? never;
        },
        park: () => {
          calls.push(`park at ${Date.now()}`);
          return parks[Math.min(parked++, parks.length - 1)]?.() ?? never;
        },
      },
      nudge: (waitsLong) => wait.nudges.push({ at: Date.now(), waitsLong }),
      now: Date.now,
      parkedWaits: new ParkedWaits(),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    patience,
    ended.signal,
  ).then((outcome) => {
    wait.result = outcome;
    wait.endedAt = Date.now();
  });
  return wait;
}

const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("a reply in the first hold is the end, and nobody is parked", async () => {
  const wait = start({ holds: [async () => replied] }, { until: 10_000, spinMs: 500 });
  await passing(0);
  expect(wait.result).toBe(replied);
  expect(wait.calls).toEqual(["hold 500 at 0"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("after the hold the wait is parked, at once, and the message on the socket is the end", async () => {
  const socket = new Socket();
  const wait = start(
    { holds: [holdsFor(waiting)], parks: [parksOn(socket)] },
    { until: 10_000, spinMs: 500 },
  );
  await passing(2_000);
  expect(wait.calls).toEqual(["hold 500 at 0", "park at 500"]);
  socket.end(replied);
  await passing(0);
  expect(wait.result).toBe(replied);
  expect(socket.closed).toBe(1);
});

test("with no time to hold the wait is parked at once", async () => {
  const wait = start({ parks: [parksOn(new Socket())] }, { until: 10_000, spinMs: 0 });
  await passing(0);
  expect(wait.calls).toEqual(["park at 0"]);
});

test("no hold is asked for beyond the caller's patience", async () => {
  const wait = start({ holds: [holdsFor(waiting)] }, { until: 300, spinMs: 1_000 });
  await passing(300);
  expect(wait.calls).toEqual(["hold 300 at 0"]);
  expect(wait).toMatchObject({ result: undefined, endedAt: 300 });
});

test.each<ParkedOutcome>([
  { status: "expired", deadlineAt: 9_000 },
  { status: "cancelled" },
  { status: "refused", retryAfter: 1 },
  { status: "gone" },
  { status: "forbidden" },
])("$status ends the wait, held or parked", async (outcome) => {
  const held = start({ holds: [async () => outcome] }, { until: 10_000, spinMs: 500 });
  const socket = new Socket();
  const parked = start({ parks: [parksOn(socket)] }, { until: 10_000, spinMs: 0 });
  socket.end(outcome);
  await passing(0);
  expect([held.result, parked.result]).toEqual([outcome, outcome]);
});

test("a socket that closes without an outcome is opened again after a pause with jitter", async () => {
  for (const [random, pauseMs] of [
    [0, 10],
    [1, 20],
  ] as const) {
    vi.spyOn(Math, "random").mockReturnValue(random);
    vi.setSystemTime(0);
    const sockets = [new Socket(), new Socket()] as const;
    const wait = start({ parks: sockets.map(parksOn) }, { until: 10_000, spinMs: 0 });
    await passing(0);
    sockets[0].end();
    await passing(pauseMs - 1);
    expect(wait.calls).toEqual(["park at 0"]);
    await passing(1);
    expect(wait.calls).toEqual(["park at 0", `park at ${pauseMs}`]);
    expect(sockets[0].closed).toBe(1);
    sockets[1].end(replied);
    await passing(0);
    expect(wait.result).toBe(replied);
  }
});

test("sockets that keep breaking are opened ever more rarely, so that nothing runs hot", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const breaking: Park = async () => {
    const socket = new Socket();
    socket.end();
    return socket;
  };
  const wait = start({ parks: [breaking] }, { until: 60_000, spinMs: 0 });
  await passing(10_000);
  expect(wait.count("park")).toBeGreaterThan(10);
  // Pauses double from 10 ms to 250 ms, the half of what they may be.
  expect(wait.count("park")).toBeLessThan(50);
  wait.ended.abort();
});

test("a socket that lasted a while and breaks is replaced as fast as the first one", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const sockets = Array.from({ length: 20 }, () => new Socket());
  const wait = start({ parks: sockets.map(parksOn) }, { until: 100_000, spinMs: 0 });
  for (const socket of sockets.slice(0, -1)) {
    await passing(2_000);
    socket.end();
    await passing(20);
  }
  expect(wait.count("park")).toBe(20);
  wait.ended.abort();
});

test("where no socket can be had the wait is held, as by an object of an earlier deploy, and parking is tried again", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const socket = new Socket();
  const wait = start(
    { parks: [noSocket, noSocket, parksOn(socket)], holds: [holdsFor(waiting)] },
    { until: 20_000, spinMs: 0 },
  );
  await passing(5_000);
  expect(wait.calls).toEqual([
    "park at 0",
    "hold 1500 at 10",
    "park at 1510",
    expect.stringMatching(/^hold 1500 at 15\d\d$/),
    expect.stringMatching(/^park at 30\d\d$/),
  ]);
  socket.end(replied);
  await passing(0);
  expect(wait.result).toBe(replied);
});

test("the hold by an object that parks nobody can be the end", async () => {
  const wait = start({ parks: [noSocket], holds: [async () => replied] }, { until: 20_000, spinMs: 0 });
  await passing(100);
  expect(wait.result).toBe(replied);
});

test("a hold that fails leads to the socket, after a pause", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const lost: Hold = async () => {
    throw new Error("the object was reset");
  };
  const wait = start({ holds: [lost], parks: [parksOn(new Socket())] }, { until: 20_000, spinMs: 500 });
  await passing(1_000);
  expect(wait.calls).toEqual(["hold 500 at 0", "park at 10"]);
});

test("a hold that hangs is given up a second after its time", async () => {
  const wait = start(
    { holds: [() => never], parks: [parksOn(new Socket())] },
    { until: 20_000, spinMs: 500 },
  );
  await passing(1_499);
  expect(wait.calls).toEqual(["hold 500 at 0"]);
  await passing(50);
  expect(wait.count("park")).toBe(1);
});

test("a hold or a socket that hangs does not outlast the caller's patience", async () => {
  const held = start({ holds: [() => never] }, { until: 700, spinMs: 500 });
  const parked = start({ parks: [() => never] }, { until: 700, spinMs: 0 });
  await passing(700);
  expect([held.endedAt, parked.endedAt]).toEqual([700, 700]);
  expect([held.result, parked.result]).toEqual([undefined, undefined]);
});

test("a socket that opens too late is closed, and the wait goes on without it", async () => {
  const late = new Socket();
  const opening = Promise.withResolvers<ParkedWait>();
  const wait = start(
    { parks: [() => opening.promise], holds: [holdsFor(waiting)] },
    { until: 20_000, spinMs: 0 },
  );
  await passing(2_100);
  expect(wait.count("hold 1500")).toBe(1);
  expect(late.closed).toBe(0);
  opening.resolve(late);
  await passing(0);
  expect(late.closed).toBe(1);
});

test("a socket that fails too late disturbs nobody", async () => {
  const opening = Promise.withResolvers<ParkedWait>();
  start({ parks: [() => opening.promise, parksOn(new Socket())] }, { until: 20_000, spinMs: 0 });
  await passing(2_100);
  // Would be an unhandled rejection, and fail the run.
  opening.reject(new Error("too late"));
  await passing(10);
});

test("when the patience is over nobody knows how it ends, and the socket is closed", async () => {
  const socket = new Socket();
  const wait = start({ parks: [parksOn(socket)] }, { until: 4_000, spinMs: 0 });
  await passing(3_999);
  expect([wait.result, socket.closed]).toEqual(["still waiting", 0]);
  await passing(1);
  expect([wait.result, socket.closed]).toEqual([undefined, 1]);
});

test("a patience that is over from the start asks nobody", async () => {
  const wait = start({}, { until: 0, spinMs: 500 });
  await passing(0);
  expect(wait).toMatchObject({ result: undefined, calls: [], nudges: [] });
});

test("who gives up closes the socket at once, and nothing is tried again", async () => {
  const socket = new Socket();
  const wait = start({ parks: [parksOn(socket)] }, { until: 20_000, spinMs: 0 });
  await passing(100);
  wait.ended.abort();
  await passing(0);
  expect([wait.result, socket.closed]).toEqual([undefined, 1]);
  await passing(20_000);
  expect(wait.calls).toEqual(["park at 0"]);
});

test("who gave up while the socket opened has it closed", async () => {
  const socket = new Socket();
  const opening = Promise.withResolvers<ParkedWait>();
  const wait = start({ parks: [() => opening.promise] }, { until: 20_000, spinMs: 0 });
  wait.ended.abort();
  opening.resolve(socket);
  await passing(0);
  expect([wait.result, socket.closed]).toEqual([undefined, 1]);
});

test("who gave up before it began asks nobody", async () => {
  const ended = new AbortController();
  ended.abort();
  const wait = start({}, { until: 20_000, spinMs: 500 }, ended);
  await passing(0);
  expect(wait).toMatchObject({ result: undefined, calls: [] });
});

test("while it is parked the drain is told that somebody waits, every second and a half", async () => {
  const wait = start(
    { holds: [holdsFor(waiting)], parks: [parksOn(new Socket())] },
    { until: 5_000, spinMs: 500 },
  );
  await passing(5_000);
  expect(wait.nudges).toEqual([
    { at: 0, waitsLong: false },
    { at: 500, waitsLong: true },
    { at: 2_000, waitsLong: true },
    { at: 3_500, waitsLong: true },
  ]);
  expect(wait.endedAt).toBe(5_000);
});

test("however often it attaches, a wait leaves nothing behind on the signal that ends it", async () => {
  const breaking: Park = async () => {
    const socket = new Socket();
    socket.end();
    return socket;
  };
  const ended = new AbortController();
  const added = vi.spyOn(ended.signal, "addEventListener");
  const removed = vi.spyOn(ended.signal, "removeEventListener");
  const wait = start({ parks: [breaking] }, { until: 10_000, spinMs: 0 }, ended);
  await passing(10_000);
  expect(wait.endedAt).toBe(10_000);
  expect(wait.count("park")).toBeGreaterThan(5);
  const listeners = (spy: { mock: { calls: unknown[][] } }) => spy.mock.calls.map(([, listener]) => listener);
  expect(listeners(removed)).toEqual(listeners(added));
});
