// What the loop does when a part of it dies: the bridge killed under waiting requests, its log lost, every
// drain stopped, no responder at all.

import { expect, test } from "vitest";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import {
  ledgerOf,
  postJson,
  startLoop,
  startLoopOnProcess,
  startModel,
  workersFor,
} from "../support/loop.ts";

const later = useCleanups();

test("a bridge killed with -9 while requests wait loses none of them, when its log is kept in files", async () => {
  const state = await temporaryFolder();
  const loop = await startLoopOnProcess({ state }, later);
  const waiting = Array.from({ length: 20 }, (_, at) =>
    postJson(`${loop.gateway.url}/predict/20s`, { id: `txn_${at}`, features: [at], delay_ms: 1_000 }),
  );
  await expect.poll(() => loop.model.counts.received).toBe(20);
  await loop.bridge.kill();
  await loop.restartBridge();
  const answers = await Promise.all((await Promise.all(waiting)).map((response) => response.json()));
  expect(answers).toMatchObject(Array.from({ length: 20 }, (_, at) => ({ id: `txn_${at}`, prediction: at })));
  const ledger = await ledgerOf(loop.gateway.url);
  expect(ledger.settled + ledger.inFlight).toBe(ledger.read);
});

test("a log that was lost and created anew is noticed: it counts as a reset, and requests are served again", async () => {
  const loop = await startLoopOnProcess({}, later);
  for (const at of [1, 2, 3]) {
    expect((await postJson(`${loop.gateway.url}/predict`, { id: `${at}`, features: [at] })).status).toBe(200);
  }
  await loop.bridge.kill();
  await loop.restartBridge();
  await expect
    .poll(
      async () => (await postJson(`${loop.gateway.url}/predict/6s`, { id: "again", features: [1] })).status,
      {
        timeout: 30_000,
      },
    )
    .toBe(200);
  expect((await ledgerOf(loop.gateway.url)).resets).toBeGreaterThan(0);
});

test("[A17] with every drain stopped all waiters are gone at their deadline; a drain that comes back heals by itself", async () => {
  const { bridge, gateway } = await startLoop("stopped", later);

  const startedAt = Date.now();
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => postJson(`${gateway.url}/predict/1s`, { id: "x", features: [1] })),
  );
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 504));
  expect(Date.now() - startedAt).toBeLessThan(2_000);
  const { WAITER } = await gateway.server.getWorker<{ WAITER: WaiterNamespace }>().getEnv();
  for (const response of responses) {
    const id = WAITER.idFromString(response.headers.get("x-correlation-id") ?? "");
    expect(["ended", "idle"]).toContain(await WAITER.get(id).peek());
  }

  await gateway.server.update({ workers: workersFor("apart", bridge.url) });
  const { url } = await gateway.server.listen();
  expect((await postJson(`${url.origin}/predict`, { id: "x", features: [1] })).status).toBe(200);
  // The replies that nobody read then are read now, and are late.
  await expect
    .poll(async () => (await ledgerOf(url.origin)).verdicts, { timeout: 10_000 })
    .toEqual({ accepted: 1, late: 20 });
});

interface WaiterNamespace {
  idFromString(id: string): unknown;
  get(id: unknown): { peek(): Promise<string> };
}

test("without a responder requests end in 504; one that starts later skips the expired and answers none", async () => {
  const { bridge, gateway } = await startLoop("together", later, { withModel: false });
  const responses = await Promise.all(
    Array.from({ length: 5 }, () => postJson(`${gateway.url}/predict/1s`, { id: "x", features: [1] })),
  );
  expect(responses.map(({ status }) => status)).toEqual([504, 504, 504, 504, 504]);
  const deadline = Date.now() + 50;
  await expect.poll(() => Date.now() > deadline).toBe(true);
  // One that trusts its clock.
  const model = startModel(bridge.url, undefined, undefined, { clockSkewMs: 0 });
  await expect.poll(() => model.counts.received).toBe(5);
  await model.finish();
  expect(model.counts).toMatchObject({ skipped: 5, replied: 0 });
});
