// Durable waiters at volume, with figures: parked and held, reset and hibernating. Client, service and bridge share the
// process of the test; workerd has its own. What they leave behind is in durable-memory.test.ts.

import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { keyed, startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { atRate, byCallers } from "../support/pace.ts";
import { percentile, Proof } from "../support/proof.ts";
import { askThroughReset, spinFor } from "../support/reset-waits.ts";
import { leftOnDisk } from "../support/waiter-storage.ts";

const proof = new Proof("durable", "Durable waiters over the embedded log");
proof.add("objects of the gateway", "on disk, where nothing else is said");
afterAll(() => proof.write());

const later = useCleanups();
const range = (length: number) => Array.from({ length }, (_, at) => at);

const show = (values: readonly number[]) =>
  `p50 ${percentile(values, 0.5)} ms, p99 ${percentile(values, 0.99)} ms`;

interface Timed {
  /** From the reply's produce being called to the first byte of the answer, in ms. */
  readonly fromSent: number;
  /** The same from when the log had it. */
  readonly fromAppended: number;
}

/** Asks and expects the answer; throws when it is another one. */
async function timed(
  loop: DurableLoop,
  service: string,
  afterMs: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Timed> {
  const nonce = randomUUID();
  const { status, text, answeredAt } = await loop.ask(service, { nonce, afterMs }, headers);
  if (status !== 200 || text !== nonce) throw new Error(`${status} ${text} for ${nonce}`);
  const { sentAt, appendedAt } = loop.echo.repliedAt(nonce);
  return { fromSent: answeredAt - sentAt, fromAppended: answeredAt - appendedAt };
}

const showTimed = (samples: readonly Timed[]) =>
  `from the record's being in the log ${show(samples.map(({ fromAppended }) => fromAppended))}; from the produce's being called ${show(samples.map(({ fromSent }) => fromSent))}`;

test("waiters whose callers are parked for 12 s hibernate, and are built anew for the reply", async () => {
  const loop = await startDurableLoop(later, { fixedSpinMs: 0 });
  const samples = await atRate(20, 4, () => timed(loop, "slow", 12_000));
  const built = Object.values(await loop.lives()).map(({ constructions }) => constructions);
  proof.add(
    "20 waits parked for 12 s",
    `${built.filter((times) => times === 2).length} waiters hibernated and were built anew; to the first byte ${showTimed(samples)}`,
  );
  expect(built).toEqual(range(20).map(() => 2));
});

test("from the reply's record to the first byte of the answer: waits answered in the spin, and parked ones", async () => {
  const loop = await startDurableLoop(later);
  for (const [kind, headers] of [
    ["plain", () => ({})],
    ["durable", () => keyed(randomUUID())],
  ] as const) {
    for (const [how, service, afterMs] of [
      ["in the spin", "quick", 50],
      ["parked", "slow", 2_000],
    ] as const) {
      // Until the service has shown its habit.
      await atRate(20, 20, () => timed(loop, service, afterMs, headers()));
      const before = await loop.counts();
      const samples = await atRate(300, 20, () => timed(loop, service, afterMs, headers()));
      const after = await loop.counts();
      const [holds, parks] = [after.holds - before.holds, after.parks - before.parks];
      proof.add(
        `reply to first byte, ${kind}, ${how}: 300 at 20/s, answered by the service after ${afterMs} ms`,
        `${showTimed(samples)}; ${holds} holds, ${parks} parks`,
      );
      // The habit decides, and on a slow machine it may be another one for the first kind.
      if (how === "parked") expect(parks).toBeGreaterThanOrEqual(300);
    }
  }
});

test.each(["plain", "durable"] as const)(
  "a thousand %s waits parked at once are all answered, each with its own nonce",
  async (kind) => {
    const loop = await startDurableLoop(later, { fixedSpinMs: 0 });
    const asked = range(1_000).map(async () => {
      const nonce = randomUUID();
      return { nonce, answer: await loop.ask("many", { nonce }, kind === "durable" ? keyed(nonce) : {}) };
    });
    await expect
      .poll(async () => Math.min((await loop.counts()).parks, loop.echo.received), { timeout: 50_000 })
      .toBeGreaterThanOrEqual(1_000);
    const nonces = loop.echo.nonces();
    expect(nonces).toHaveLength(1_000);
    const firstAt = performance.now();
    for (const nonce of nonces) await loop.echo.release(nonce);
    const answers = await Promise.all(asked);
    const lastAt = Math.max(...answers.map(({ answer }) => answer.answeredAt));
    const right = answers.filter(
      ({ nonce, answer }) => answer.status === 200 && answer.text === nonce,
    ).length;
    proof.add(
      `1,000 ${kind} waits parked at once`,
      `${right} right; from the first reply to the last answer ${((lastAt - firstAt) / 1_000).toFixed(2)} s`,
    );
    expect(right).toBe(1_000);
  },
);

test.each(["held", "parked"] as const)(
  "waiters that are reset 800 times while their callers are %s give nobody the nonce of another, and durable ones no 504",
  async (how) => {
    const loop = await startDurableLoop(later, { fixedSpinMs: spinFor[how] });
    for (const reply of ["after the reset", "at the same moment"] as const) {
      for (const kind of ["plain", "durable"] as const) {
        const answers = await byCallers(200, 10, () => askThroughReset(loop, { how, kind, reply }));
        const right = answers.filter(({ status, text, nonce }) => status === 200 && text === nonce).length;
        const expired = answers.filter(({ status }) => status === 504).length;
        const resets = answers.filter(({ life }) => life?.resets === 1).length;
        const anew = answers.filter(({ life }) => (life?.constructions ?? 0) > 1).length;
        proof.add(
          `200 ${kind} requests whose waiter is reset while they are ${how}, answered ${reply}`,
          `${resets} resets, ${anew} waiters built anew before their answer; ${right} right, ${expired} × 504`,
        );
        expect([right + expired, resets]).toEqual([200, 200]);
        expect(answers.filter(({ records }) => records !== 1)).toEqual([]);
        if (reply === "after the reset") expect(anew).toBe(200);
        if (kind === "durable" || reply === "after the reset") expect(expired).toBe(0);
      }
    }
  },
);

test("a thousand plain requests that are answered in the spin write no row and set no alarm", async () => {
  // All of them in the spin: by its habit a service has the odd slow one parked.
  const loop = await startDurableLoop(later, { fixedSpinMs: spinFor.held });
  await byCallers(1_000, 16, () => timed(loop, "quick", 0));
  const left = leftOnDisk(loop.gateway.waiters);
  proof.add(
    "1,000 plain requests answered in the spin",
    `${left.objects} objects, of which ${left.written} ever wrote anything; ${left.rows} rows, ${left.alarms} alarms`,
  );
  expect(left).toEqual({ objects: 1_000, written: 0, rows: 0, alarms: 0 });
  expect(await loop.counts()).toEqual({ holds: 1_000, parks: 0 });
});

test.each(["on disk", "in memory"] as const)(
  "holding against parking, objects %s: latency, and requests a second",
  async (where) => {
    const objects = where === "in memory" ? keepObjectsInMemory() : { where, undo: () => {} };
    later(objects.undo);
    for (const how of ["held", "parked"] as const) {
      const loop = await startDurableLoop(later, { fixedSpinMs: spinFor[how] });
      await byCallers(200, 8, () => timed(loop, "quick", 0));
      const latencies = await atRate(300, 20, () => timed(loop, "quick", 200));
      const startedAt = performance.now();
      await byCallers(3_000, 64, () => timed(loop, "quick", 0));
      const perSecond = 3_000_000 / (performance.now() - startedAt);
      const { holds, parks } = await loop.counts();
      proof.add(
        `all waits ${how}, objects ${objects.where}: 300 at 20/s answered after 200 ms; 3,000 by 64 callers answered at once`,
        `reply to first byte ${showTimed(latencies)}; ${perSecond.toFixed(0)} req/s; ${holds} holds, ${parks} parks`,
      );
      expect(how === "held" ? holds : parks).toBeGreaterThanOrEqual(3_500);
    }
  },
);
