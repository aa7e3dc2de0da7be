// What outlives its callers, its object and its runtime, with real processes: clients and workerd killed, objects
// reset and hibernating. The log and the service stay.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { keyed, startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";
import { killedClients, resetClient, type Begin } from "../support/killed-client.ts";
import { askThroughReset, spinFor } from "../support/reset-waits.ts";

const later = useCleanups();
const range = (length: number) => Array.from({ length }, (_, at) => at);

describe("over one storage", () => {
  let loop: DurableLoop;
  const atTheEnd: (() => unknown)[] = [];
  beforeAll(async () => {
    loop = await startDurableLoop((cleanup) => atTheEnd.push(cleanup));
  });
  afterAll(async () => {
    for (const cleanup of atTheEnd.toReversed()) await cleanup();
  });

  /** For a second, as somebody who then closes the laptop. */
  async function waitAndDie(begin: Begin, nonce: string): Promise<string> {
    const beganAt = Date.now();
    const headers = { ...keyed(nonce), "content-type": "application/json" };
    const client = begin(`${loop.gateway.url}/slow`, JSON.stringify({ nonce }), headers);
    const id = await loop.echo.idOf(nonce);
    await expect.poll(() => Date.now() - beganAt >= 1_000, { timeout: 3_000 }).toBe(true);
    await client.kill();
    return id;
  }

  test.each(killedClients)(
    "after $what and the runtime killed with -9, the same request is answered, from one record",
    async ({ begin }) => {
      const nonce = randomUUID();
      await waitAndDie(begin, nonce);
      await loop.gateway.kill();
      await loop.echo.release(nonce);
      await loop.gateway.restarted();
      const again = await loop.ask("slow", { nonce }, keyed(nonce));
      expect([again.status, again.text]).toEqual([200, nonce]);
      expect(loop.echo.recordsOf(nonce)).toBe(1);
    },
  );

  test("who comes back before the service has answered waits on, for the answer to the first record", async () => {
    const nonce = randomUUID();
    const id = await waitAndDie(resetClient.begin, nonce);
    await loop.gateway.kill();
    await loop.gateway.restarted();
    const again = loop.ask("slow", { nonce }, keyed(nonce));
    await expect.poll(async () => (await loop.inside(id)).held, { interval: 10 }).toBe(1);
    await loop.echo.release(nonce);
    const { status, text } = await again;
    expect([status, text]).toEqual([200, nonce]);
    expect(loop.echo.recordsOf(nonce)).toBe(1);
  });

  test("what was asked with respond-async is at its Location when the runtime was killed in between", async () => {
    const nonce = randomUUID();
    const asked = await loop.ask("slow", { nonce }, { prefer: "respond-async" });
    expect(asked.status).toBe(202);
    await loop.echo.idOf(nonce);
    await loop.gateway.kill();
    await loop.echo.release(nonce);
    await loop.gateway.restarted();
    const location = asked.headers.get("location") ?? "";
    await expect
      .poll(async () => {
        const { status, text } = await loop.get(location);
        return status === 202 ? "not yet" : [status, text];
      })
      .toEqual([200, nonce]);
    expect(loop.echo.recordsOf(nonce)).toBe(1);
  });

  test("a hundred who ask with one key at once wait together for one record, and get one answer", async () => {
    const nonce = randomUUID();
    const asked = range(100).map(() => loop.ask("slow", { nonce }, keyed(nonce)));
    const id = await loop.echo.idOf(nonce);
    const waiting = async () => {
      const { held, parked } = await loop.inside(id);
      return held + parked;
    };
    await expect.poll(waiting, { timeout: 10_000 }).toBe(100);
    await loop.echo.release(nonce);
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set([`200 ${nonce}`]),
    );
    expect(loop.echo.recordsOf(nonce)).toBe(1);
  });

  test("[B9] a waiter hibernates while its caller is parked, and is built anew to hand the reply over", async () => {
    const nonce = randomUUID();
    const asked = loop.ask("slow", { nonce, afterMs: 13_500 });
    const id = await loop.echo.idOf(nonce);
    const { status, text } = await asked;
    expect([status, text]).toEqual([200, nonce]);
    expect((await loop.lives())[id]).toEqual({ constructions: 2, resets: 0 });
  });
});

test.each(["held", "parked"] as const)(
  "a waiter that is reset while its caller is %s still answers, each caller with its own nonce",
  async (how) => {
    const loop = await startDurableLoop(later, { fixedSpinMs: spinFor[how] });
    const answers = await Promise.all(
      range(10).map((at) =>
        askThroughReset(loop, { how, kind: at % 2 === 0 ? "plain" : "durable", reply: "after the reset" }),
      ),
    );
    for (const { status, text, nonce, records } of answers) {
      expect([status, text, records]).toEqual([200, nonce, 1]);
    }
    expect(answers.map(({ life }) => life)).toEqual(range(10).map(() => ({ constructions: 2, resets: 1 })));
  },
);
