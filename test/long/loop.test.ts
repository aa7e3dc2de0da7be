// The loop at volume, with figures: from the first command to a thousand requests at once, and through the
// deaths of its parts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";
import { freePort } from "../../dev/ports.ts";
import {
  ledgerOf,
  postJson,
  startBridgeProcess,
  startGateway,
  startLoop,
  startModel,
  workersFor,
} from "../support/loop.ts";
import { percentile, Proof } from "../support/proof.ts";

const proof = new Proof("loop", "The loop over the embedded log");
proof.add("objects of the gateway", "on disk");
afterAll(() => proof.write());

const later = useCleanups();

const range = (length: number) => Array.from({ length }, (_, at) => at);

async function stateFolder(): Promise<string> {
  const state = await mkdtemp(join(tmpdir(), "hearback-long-"));
  later(() => rm(state, { recursive: true, force: true }));
  return state;
}

test("[A1] npm run dev is ready soon, and 200 calls in a row are answered right", async () => {
  const [port, bridgePort] = [await freePort(), await freePort()];
  const startedAt = Date.now();
  const options = [
    "--port",
    String(port),
    "--bridge-port",
    String(bridgePort),
    "--state",
    await stateFolder(),
  ];
  const dev = runCommand("npm", ["run", "dev", "--", ...options]);
  later(async () => {
    dev.signal("SIGINT");
    await dev.ended;
  });
  await dev.printed(/^ready /m);
  proof.add("`npm run dev` to ready", `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);

  const call = async () => {
    const sentAt = performance.now();
    const response = await postJson(`http://localhost:${port}/predict`, {
      id: "txn_1",
      features: [0.5, 0.3, 0.8],
    });
    expect(await response.json()).toMatchObject({ prediction: 0.533 });
    return performance.now() - sentAt;
  };
  for (const _ of range(20)) await call();
  const latencies: number[] = [];
  for (const _ of range(200)) latencies.push(await call());
  proof.add(
    "200 calls one after the other through `wrangler dev`",
    `p50 ${percentile(latencies, 0.5)} ms, p95 ${percentile(latencies, 0.95)} ms, p99 ${percentile(latencies, 0.99)} ms`,
  );
});

test("[A12, A16, D5] 504s come within 50 ms of 3, 5 and 6 s; their replies are late and log no error", async () => {
  const { gateway } = await startLoop("together", later);
  await postJson(`${gateway.url}/predict`, { id: "warm", features: [1] });

  for (const [path, seconds] of [
    ["/predict/3s", 3],
    ["/predict", 5],
    ["/predict/6s", 6],
  ] as const) {
    const waits = await Promise.all(
      range(20).map(async (at) => {
        // One after the other: how long a burst takes to get in is another question.
        await new Promise((resolve) => setTimeout(resolve, at * 50));
        const sentAt = performance.now();
        const response = await postJson(`${gateway.url}${path}`, {
          id: "slow",
          features: [1],
          delay_ms: (seconds + 1) * 1_000,
        });
        expect(response.status).toBe(504);
        return performance.now() - sentAt - seconds * 1_000;
      }),
    );
    proof.add(
      `504 after a timeout of ${seconds} s, 20 waiting: how much later than the timeout`,
      `p50 ${percentile(waits, 0.5)} ms, most ${Math.max(...waits).toFixed(1)} ms`,
    );
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThan(50);
  }
  await expect.poll(async () => (await ledgerOf(gateway.url)).verdicts.late, { timeout: 15_000 }).toBe(60);
  const logged = gateway.server.getLogs().filter(({ level }) => level === "error" || level === "warn");
  expect(logged).toEqual([]);
  proof.add("replies to those 60 requests", "60 late, 0 lines of warning or error");
});

test("requests without a responder end in 504, and one that starts later skips all of them", async () => {
  const { bridge, gateway } = await startLoop("together", later, { withModel: false });
  const responses = await Promise.all(
    range(100).map(() => postJson(`${gateway.url}/predict/1s`, { id: "x", features: [1] })),
  );
  expect(responses.filter(({ status }) => status === 504)).toHaveLength(100);
  const skippable = Date.now() + 5_100;
  await expect.poll(() => Date.now() >= skippable, { timeout: 10_000 }).toBe(true);
  const model = startModel(bridge.url);
  await expect.poll(() => model.counts.received, { timeout: 10_000 }).toBe(100);
  await model.finish();
  expect(model.counts).toMatchObject({ skipped: 100, replied: 0 });
  proof.add(
    "100 requests without a responder",
    "100 × 504; a responder started later: 100 skipped, 0 replies",
  );
});

test("[A2] a thousand requests at once get a thousand right answers under a thousand IDs", async () => {
  const { gateway } = await startLoop("together", later);
  await postJson(`${gateway.url}/predict`, { id: "warm", features: [1] });

  const before = await ledgerOf(gateway.url);
  const startedAt = performance.now();
  const answers = await Promise.all(
    range(1_000).map(async (at) => {
      const response = await postJson(`${gateway.url}/predict/20s`, { id: `txn_${at}`, features: [at] });
      const body = (await response.json()) as { id?: string; prediction?: number };
      return {
        id: response.headers.get("x-correlation-id"),
        right: body.id === `txn_${at}` && body.prediction === at,
      };
    }),
  );
  const tookMs = performance.now() - startedAt;
  const after = await ledgerOf(gateway.url);
  const right = answers.filter((answer) => answer.right).length;
  const ids = new Set(answers.map(({ id }) => id)).size;
  proof.add(
    "1,000 `POST /predict` at once",
    `${right} right, ${ids} distinct IDs, ${(tookMs / 1_000).toFixed(1)} s`,
  );
  proof.add(
    "ledger after them",
    `replies read ${after.read - before.read}, sum of verdicts ${after.settled - before.settled}, in flight ${after.inFlight}`,
  );
  expect([right, ids]).toEqual([1_000, 1_000]);
  expect(after.read - before.read).toBe(1_000);
  expect(after.settled + after.inFlight).toBe(after.read);
});

test("a bridge killed with -9 under 200 waiting requests loses none of them", async () => {
  const state = await stateFolder();
  const bridge = await startBridgeProcess(0, { state });
  const gateway = await startGateway("together", bridge.url);
  later(() => gateway.stop());
  const model = startModel(bridge.url, () => {});
  later(() => model.finish());
  const waiting = range(200).map((at) =>
    postJson(`${gateway.url}/predict/20s`, { id: `txn_${at}`, features: [at], delay_ms: 3_000 }),
  );
  await expect.poll(() => model.counts.received, { timeout: 20_000 }).toBe(200);
  await bridge.kill();
  const killedAt = performance.now();
  const again = await startBridgeProcess(bridge.port, { state });
  later(() => again.stop());
  const responses = await Promise.all(waiting);
  const recoveredMs = performance.now() - killedAt;
  const right = (await Promise.all(responses.map((response) => response.json()))).filter(
    (body, at) => (body as { prediction?: number }).prediction === at,
  ).length;
  proof.add(
    "bridge killed with -9 under 200 waiting requests, restarted at once on its files",
    `${right} answered right, the last ${(recoveredMs / 1_000).toFixed(1)} s after the kill`,
  );
  expect(right).toBe(200);
});

test("[A17] with every drain stopped 100 waiters are gone in time, and a restarted drain heals by itself", async () => {
  const { bridge, gateway } = await startLoop("stopped", later);

  const startedAt = performance.now();
  const responses = await Promise.all(
    range(100).map(() => postJson(`${gateway.url}/predict/3s`, { id: "x", features: [1] })),
  );
  const allGoneMs = performance.now() - startedAt;
  expect(responses.filter(({ status }) => status === 504)).toHaveLength(100);
  proof.add(
    "100 requests with a timeout of 3 s while every drain is stopped",
    `100 × 504, the last after ${(allGoneMs / 1_000).toFixed(2)} s`,
  );
  expect(allGoneMs).toBeLessThan(4_000);

  await gateway.server.update({ workers: workersFor("apart", bridge.url) });
  const { url } = await gateway.server.listen();
  const healingFrom = performance.now();
  expect((await postJson(`${url.origin}/predict`, { id: "x", features: [1] })).status).toBe(200);
  proof.add("first answer once a drain is back", `${(performance.now() - healingFrom).toFixed(0)} ms`);
  await expect
    .poll(async () => (await ledgerOf(url.origin)).verdicts, { timeout: 20_000 })
    .toEqual({ accepted: 1, late: 100 });
  proof.add("the 100 replies that nobody had read", "100 late");
});
