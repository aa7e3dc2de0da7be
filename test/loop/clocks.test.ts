// Clocks that differ: that of a responder, or of the bridge, from that of the gateway.

import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { basic, raw, temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { keyed } from "../support/durable-loop.ts";
import {
  ledgerOf,
  password,
  startBridgeProcess,
  startGateway,
  startLoop,
  startModel,
  user,
} from "../support/loop.ts";
import { clockAhead, shiftedClock, startShiftedResponder } from "../support/wrong-clock.ts";

const later = useCleanups();

/** Status, and the answer where it is one. */
async function ask(url: string, n: number, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ id: `n${n}`, features: [n] }),
  });
  const { id } = (await response.json()) as { readonly id?: string };
  return { status: response.status, id, location: response.headers.get("location") };
}

const range = (length: number) => Array.from({ length }, (_, at) => at);
const answered = (count: number) => range(count).map((n) => ({ status: 200, id: `n${n}` }));

describe("a responder whose clock is", () => {
  test.each([5_000, -5_000])(
    "%i ms ahead answers all that is asked, also what is waited for a second only, and skips nothing",
    async (aheadMs) => {
      const { bridge, gateway } = await startLoop("together", later, { withModel: false });
      const responder = startShiftedResponder(bridge.url, aheadMs, later);
      const briefly = `${gateway.url}/predict/1s`;
      // Longer than a responder takes to start.
      expect(await ask(`${gateway.url}/predict/20s`, 0)).toMatchObject({ status: 200 });
      expect(await Promise.all(range(10).map((n) => ask(briefly, n)))).toMatchObject(answered(10));
      expect(await Promise.all(range(5).map((n) => ask(`${gateway.url}/predict`, n)))).toMatchObject(
        answered(5),
      );
      const key = randomUUID();
      const twice = await Promise.all([ask(briefly, 0, keyed(key)), ask(briefly, 0, keyed(key))]);
      expect(twice).toMatchObject([...answered(1), ...answered(1)]);
      const { location } = await ask(briefly, 0, { prefer: "respond-async" });
      await expect
        .poll(async () => (await fetch(`${gateway.url}${location}`)).status, { timeout: 5_000 })
        .toBe(200);
      expect(await responder.finish()).toMatchObject({
        received: 18,
        replied: 18,
        skipped: 0,
        expired: 0,
        failed: 0,
      });
      expect((await ledgerOf(gateway.url)).verdicts).toEqual({ accepted: 18 });
      const warning = /requests come from 4\d\d\d ms in the future: this clock is behind/;
      expect(warning.test(responder.output())).toBe(aheadMs < 0);
    },
  );

  test("further ahead than it was told to allow for skips what would be waited for, exactly, and answers the rest", async () => {
    const { bridge, gateway } = await startLoop("together", later, { withModel: false });
    const responder = startShiftedResponder(bridge.url, 8_000, later);
    expect(await ask(`${gateway.url}/predict/20s`, 0)).toMatchObject({ status: 200 });
    const briefly = await Promise.all(range(5).map((n) => ask(`${gateway.url}/predict/1s`, n)));
    expect(briefly.map(({ status }) => status)).toEqual([504, 504, 504, 504, 504]);
    expect(await ask(`${gateway.url}/predict/20s`, 0)).toMatchObject({ status: 200 });
    expect(await responder.finish()).toMatchObject({ received: 7, replied: 2, skipped: 5, expired: 0 });
  });
});

describe("a bridge whose clock is", () => {
  test.each([5_000, -5_000])("%i ms ahead changes no answer, and a key is one record", async (aheadMs) => {
    const node = { flags: shiftedClock, env: clockAhead(aheadMs) };
    const bridge = await startBridgeProcess(0, {}, node);
    later(() => bridge.stop());
    const gateway = await startGateway("together", bridge.url);
    later(() => gateway.stop());
    const model = startModel(bridge.url, () => {});
    later(() => model.finish());
    expect(await Promise.all(range(10).map((n) => ask(`${gateway.url}/predict`, n)))).toMatchObject(
      answered(10),
    );
    const key = randomUUID();
    const twice = await Promise.all(range(2).map(() => ask(`${gateway.url}/predict`, 0, keyed(key))));
    expect(twice).toMatchObject([...answered(1), ...answered(1)]);
    expect(model.counts).toMatchObject({ received: 11, replied: 11 });
  });

  test("set back by 10 s while it is restarted knows its newest records again all the same", async () => {
    const state = await temporaryFolder();
    const node = (aheadMs: number) => ({ flags: shiftedClock, env: clockAhead(aheadMs) });
    const produce = async (url: string) => {
      const { status, json } = await raw(`${url}/produce`, {
        method: "POST",
        headers: { authorization: basic(user, password) },
        body: {
          topic: "inference.requests.v1",
          partition: 0,
          value: "once",
          headers: [{ key: "X-Produce-ID", value: "once" }],
        },
      });
      return { status, offset: (json as { offset: number }[])[0]?.offset };
    };
    for (const [before, after] of [
      [5_000, -5_000],
      [-5_000, 5_000],
    ] as const) {
      const bridge = await startBridgeProcess(0, { state }, node(before));
      later(() => bridge.stop());
      const first = await produce(bridge.url);
      expect(first.status).toBe(200);
      await bridge.kill();
      const again = await startBridgeProcess(bridge.port, { state }, node(after));
      later(() => again.stop());
      expect(await produce(again.url)).toEqual(first);
      await again.stop();
    }
  });
});
