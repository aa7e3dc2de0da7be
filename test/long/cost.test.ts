// What exchanges take of the platform, counted and measured at the real runtime: the figures of the cost model that no price
// list tells (docs/proof/cost.json), and the counts of objects that hibernate. Counts of short waits are in test/loop.
// `npm run cost:measure` runs it alone and writes the tables of docs/cost.md anew.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { counts, holdInVain, kinds, retention, type Fate, type Kind } from "../../dev/cost/counts.ts";
import { measuredFile } from "../../dev/cost/measured.ts";
import type { Measured } from "../../dev/cost/model.ts";
import { logNormal, spin } from "../../dev/cost/spinning.ts";
import { longestSpinMs } from "../../worker/exchange/spin.ts";
import type { Meter } from "../fixtures/loop/meter-reading.ts";
import { billedInAll, billedOf } from "../support/billed.ts";
import { useCleanups } from "../support/cleanups.ts";
import {
  keyed,
  startDurableLoop,
  type DurableLoop,
  type DurableLoopOptions,
} from "../support/durable-loop.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { atRate } from "../support/pace.ts";
import { Proof } from "../support/proof.ts";
import { leftOnDisk } from "../support/waiter-storage.ts";

const proof = new Proof("cost", "What an exchange takes of the platform");
proof.add(
  "how",
  "calls, rows and alarms: counted where objects call storage and are called. Active: with a call under way, by the clock inside of workerd, until what was written is on disk; without constructors, and without a turn's own computing where that clock stands still. CPU: of the whole of workerd, by /proc, what it takes at rest subtracted",
);

const handlerMs = byKind<Record<"parked" | "hibernated", number>>(() => ({ parked: NaN, hibernated: NaN }));
const cpuMs = byKind<Record<"held" | "parked", number>>(() => ({ held: NaN, parked: NaN }));
let storedBytes = Number.NaN;

afterAll(() => {
  proof.write();
  const measured: Measured = { handlerMs, cpuMs, storedBytes };
  const isWhole = !JSON.stringify(measured).includes("null");
  // A run of some of the tests knows some of it.
  if (isWhole) writeFileSync(measuredFile, `${JSON.stringify(measured, undefined, 2)}\n`);
});

const later = useCleanups();

/** On tmpfs: what a disk takes is not the platform's, and a stall of it is no wait. */
function startLoop(options: DurableLoopOptions): Promise<DurableLoop> {
  later(keepObjectsInMemory().undo);
  return startDurableLoop(later, options);
}

function byKind<Value>(of: (kind: Kind) => Value): Record<Kind, Value> {
  return Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<Kind, Value>;
}

const headersOf: Readonly<Record<Kind, () => Readonly<Record<string, string>>>> = {
  plain: () => ({}),
  durable: () => keyed(randomUUID()),
  async: () => ({ prefer: "respond-async" }),
};

/** Asks, waits as its kind does, and gives the ID. Throws for any but the right answer. */
async function exchange(loop: DurableLoop, service: string, kind: Kind, afterMs: number): Promise<string> {
  const nonce = randomUUID();
  const asked = await loop.ask(service, { nonce, afterMs }, headersOf[kind]());
  const id = asked.headers.get("x-correlation-id") ?? "";
  let answer = asked;
  if (kind === "async") {
    await expect
      .poll(() => loop.echo.repliedAt(nonce).appendedAt, { timeout: 60_000, interval: 50 })
      .not.toBeNaN();
    answer = await fetched(loop, id);
  }
  if (answer.status !== 200 || answer.text !== nonce) throw new Error(`${answer.status} ${answer.text}`);
  return id;
}

/** The drain takes a moment to bring it; who asks too early is one more request, which none of the counts is for. */
async function fetched(loop: DurableLoop, id: string) {
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return loop.get(`/requests/${id}`);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const tenth = (value: number) => Math.round(value * 10) / 10;

const seconds = [0.1, 2, 10, 30];
const perCell = 20;
/** Of the service `priced`. */
const overAfterMs = 37_500;

test.each([
  { how: "parked at once", fixedSpinMs: 0 },
  { how: `held for ${longestSpinMs} ms first`, fixedSpinMs: longestSpinMs },
])(
  "waits of up to 30 s, $how: as many requests and rows as the cost model says, and nothing is left",
  async ({ how, fixedSpinMs }) => {
    const loop = await startLoop({ fixedSpinMs, isMetered: true });
    const startedAt = Date.now();
    const cells = await Promise.all(
      kinds.flatMap((kind) =>
        seconds.map(async (waitSeconds) => ({
          kind,
          waitSeconds,
          ids: await atRate(perCell, 10, () => exchange(loop, "priced", kind, waitSeconds * 1_000)),
        })),
      ),
    );
    await expect
      .poll(() => Date.now() - startedAt > overAfterMs + perCell * 100, { timeout: 60_000 })
      .toBe(true);
    await expect
      .poll(() => leftOnDisk(loop.gateway.waiters), { timeout: 20_000 })
      .toMatchObject({ rows: 0, alarms: 0 });
    const { waiters, drains, kafka } = await loop.meters();
    for (const { kind, waitSeconds, ids } of cells) {
      const meters = ids.flatMap((id) => waiters[id] ?? []);
      expect(meters).toHaveLength(perCell);
      for (const meter of meters) expectCounted(kind, waitSeconds, fixedSpinMs / 1_000, meter);
      const active = mean(meters.map(({ activeMs }) => activeMs));
      const shown = JSON.stringify(byFrequency(meters.map(show)));
      proof.add(`${perCell} ${kind}, ${waitSeconds} s, ${how}`, `${shown}; active ${tenth(active)} ms each`);
      if (fixedSpinMs === 0 && waitSeconds === 2) handlerMs[kind].parked = tenth(active);
      if (fixedSpinMs === 0 && waitSeconds === 30) handlerMs[kind].hibernated = tenth(active);
    }
    proof.add(
      `the drain beside those ${perCell * cells.length}, in ${Math.round((Date.now() - startedAt) / 1_000)} s`,
      `${drains.map((drain) => `${show(drain)}; ${JSON.stringify(drain.calls)}`).join()}; calls of Kafka REST ${JSON.stringify(kafka)}`,
    );
  },
);

/** At the end of retention. What is read depends on what was still in memory, and costs next to nothing. */
function expectCounted(kind: Kind, waitSeconds: number, holdSeconds: number, meter: Meter): void {
  const { objectRequests, rowsWritten } = billedOf(meter);
  const isWaitedFor = kind !== "async";
  const isHeld = isWaitedFor && waitSeconds < holdSeconds;
  const inVain = isWaitedFor && holdSeconds > 0 && !isHeld ? [holdInVain] : [];
  const stored = kind === "plain" ? [] : [retention];
  const all = (fate: Fate) => {
    const counted = billedInAll(counts[kind][fate], ...inVain, ...stored);
    return { objectRequests: counted.objectRequests, rowsWritten: counted.rowsWritten };
  };
  const parkedSeconds = waitSeconds - holdSeconds;
  const fates: Fate[] = isHeld
    ? ["held"]
    : parkedSeconds === 10
      ? ["parked", "hibernated"]
      : [parkedSeconds > 10 ? "hibernated" : "parked"];
  expect(fates.map(all), `${kind} ${waitSeconds} s`).toContainEqual({ objectRequests, rowsWritten });
}

function show(meter: Meter): string {
  const { objectRequests, rowsWritten, rowsRead } = billedOf(meter);
  const { setAlarm } = meter.rows;
  return `${objectRequests} requests (${meter.calls["alarm"] ?? 0} alarms, ${meter.calls["fetch"] ?? 0} upgrades), ${rowsWritten} rows written (${setAlarm} alarms set), ${rowsRead} read`;
}

function byFrequency(texts: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const text of texts) found[text] = (found[text] ?? 0) + 1;
  return found;
}

test("by the shipped rule as many waits are held, and parked, as the cost model reckons", async () => {
  const loop = await startLoop({ isMetered: true });
  const count = 200;
  const startedAt = Date.now();
  const all = [
    { service: "many", meanSeconds: 0.1 },
    { service: "priced", meanSeconds: 1 },
    { service: "slow", meanSeconds: 2 },
  ];
  const asked = await Promise.all(
    all.map(async ({ service, meanSeconds }) => {
      const draw = logNormal(meanSeconds, 0.5);
      return atRate(count, 8, () => exchange(loop, service, "plain", Math.round(draw() * 1_000)));
    }),
  );
  const took = (Date.now() - startedAt) / 1_000;
  const { waiters, drains } = await loop.meters();
  for (const [at, { service, meanSeconds }] of all.entries()) {
    const meters = (asked[at] ?? []).flatMap((id) => waiters[id] ?? []);
    const parked = meters.filter(({ calls }) => calls["fetch"] !== undefined).length / count;
    const inVain =
      meters.filter(({ calls }) => calls["fetch"] !== undefined && calls["wait"] !== undefined).length /
      count;
    const waits = { meanSeconds, spread: 0.5, longestSeconds: 30, perIsolate: count };
    const reckoned = spin("shipped", waits);
    const percent = (share: number) => `${tenth(share * 100)} %`;
    proof.add(
      `${count} waits of ${meanSeconds} s on average, spread 0.5, of one isolate (${service})`,
      `answered in the hold ${percent(1 - parked)}, held in vain ${percent(inVain)}; reckoned ${percent(reckoned.held)} and ${percent(reckoned.heldInVain)}`,
    );
    expect(Math.abs(1 - parked - reckoned.held)).toBeLessThan(0.2);
  }
  const nudges = drains.reduce((sum, { calls }) => sum + (calls["nudge"] ?? 0), 0);
  proof.add(
    `nudges of that isolate in ${tenth(took)} s, at ${Math.round((count * all.length) / took)} requests/s`,
    `${nudges}, ${tenth(nudges / took)} a second; ${drains.map(show).join()}`,
  );
  expect(nudges / took).toBeLessThan(1.2);
});

test.each([
  { fate: "held", fixedSpinMs: longestSpinMs },
  { fate: "parked", fixedSpinMs: 0 },
] as const)("CPU of exchanges that are $fate", async ({ fate, fixedSpinMs }) => {
  const loop = await startLoop({ fixedSpinMs });
  const taken = (): number => loop.gateway.cpuMs();
  const run = (kind: Kind, count: number) => atRate(count, 20, () => exchange(loop, "many", kind, 50));
  for (const kind of kinds) await run(kind, 60);
  for (const kind of kinds) {
    const count = 200;
    const atRest = await takenAtRest(taken, 2_000);
    const [startedAt, before] = [Date.now(), taken()];
    await run(kind, count);
    const each = (taken() - before - atRest * (Date.now() - startedAt)) / count;
    cpuMs[kind][fate] = tenth(each);
    proof.add(`CPU of ${count} ${kind} at 20/s, ${fate}`, `${tenth(each)} ms each`);
    expect(each).toBeGreaterThan(0);
  }
  if (fate === "held") return;
  const id = await exchange(loop, "slow", "durable", 0);
  const { rows, bytes } = await loop.inside(id);
  storedBytes = bytes;
  proof.add("database of a durable exchange that is answered in 36 bytes", `${rows} row, ${bytes} bytes`);
  const plain = await exchange(loop, "slow", "plain", 0);
  proof.add(
    "database of a plain one that was parked, after its answer",
    `${(await loop.inside(plain)).bytes} bytes`,
  );
});

/** Of one core, that is taken when nothing is asked: the drain polls, and timers run. */
async function takenAtRest(taken: () => number, forMs: number): Promise<number> {
  const before = taken();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  return (taken() - before) / forMs;
}
