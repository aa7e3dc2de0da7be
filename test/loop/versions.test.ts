// Deploys that are half done: the code of requests and the code of objects roll out at different moments, so that
// each must work with the other as it was before.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { GatewayOptions } from "../../worker/config.ts";
import type { RunningGateway } from "../support/gateways.ts";
import { allHalves, startHalfDeployed, type HalfDeployed } from "../support/half-deployed.ts";
import { postJson, startMemoryBridge, startModel } from "../support/loop.ts";
import { beforeDurableExchanges, buildGateways } from "../support/previous-build.ts";

const builds = await buildGateways();
afterAll(() => builds.remove());

const predict = { requestTopic: "inference.requests.v1", replyTopic: "inference.replies.v1" };
/** What the earliest of the builds knows, and no more. */
const options: GatewayOptions = {
  produceTimeoutMs: 250,
  workersPlan: "paid",
  services: {
    predict: { ...predict, replyPartitions: 3, route: "POST /predict", timeoutMs: 5_000 },
    quick: { ...predict, replyPartitions: 3, route: "POST /quick", timeoutMs: 300 },
  },
};
const storedAfterMs = 1_000;

/** As many requests at once, each with a right answer; then `settled` replies have a verdict, earlier ones included. */
async function ask(gateway: RunningGateway, requests: number, settled: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: requests }, async (_, at) => {
      const response = await postJson(`${gateway.url}/predict`, { id: `txn_${at}`, features: [at] });
      return response.json();
    }),
  );
  expect(answers).toMatchObject(answers.map((_, at) => ({ id: `txn_${at}`, prediction: at })));
  await expect.poll(async () => (await gateway.ledger()).settled, { timeout: 10_000 }).toBe(settled);
}

describe.each(builds.earlier)("in the middle of a deploy over $revision:", (earlier) => {
  describe.each(allHalves)("$title:", (halves) => {
    const cleanups: (() => unknown)[] = [];
    let deployed: HalfDeployed;
    let askedAt: number;
    beforeAll(async () => {
      const bridge = await startMemoryBridge();
      cleanups.push(() => bridge.stop());
      const model = startModel(bridge.url, () => undefined);
      cleanups.push(() => model.finish());
      const { atHand } = builds;
      deployed = await startHalfDeployed(halves, { atHand, earlier }, bridge.url, options, (cleanup) =>
        cleanups.push(cleanup),
      );
    });
    afterAll(async () => {
      for (const cleanup of cleanups.toReversed()) await cleanup();
    });

    test("parallel requests get each its own answer, and the ledger sums up", async () => {
      await ask(deployed.gateway, 30, 30);
      askedAt = Date.now();
      const { read, inFlight, verdicts } = await deployed.gateway.ledger();
      const { accepted = 0, held = 0, ...others } = verdicts;
      // A reply that overtakes its caller's first hold is held and then claimed.
      expect([read, inFlight, accepted + held, others]).toEqual([30, 0, 30, {}]);
    });

    test("a slow one is a 504 at its deadline, and its reply counts as late", async () => {
      const before = await deployed.gateway.ledger();
      const startedAt = Date.now();
      const slow = { id: "slow", features: [1], delay_ms: 450 };
      const response = await postJson(`${deployed.gateway.url}/quick`, slow);
      expect(await response.json()).toMatchObject({ status: 504, code: "deadline_exceeded" });
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(300);
      const ledger = () => deployed.gateway.ledger();
      await expect.poll(async () => (await ledger()).settled, { timeout: 5_000 }).toBe(before.settled + 1);
      const after = await ledger();
      expect(after.verdicts).toEqual({ ...before.verdicts, late: 1 });
      expect(after.settled + after.inFlight).toBe(after.read);
    });

    // Waiters keep nothing, so that what is stored is the drain's, with whichever half it comes.
    if (halves.other === "objects" && halves.gateway === "at hand") {
      test("when the deploy is done, the drain goes on where the earlier one was, and by its counts", async () => {
        const { accepted = 0 } = await storedVerdicts();
        const { gateway } = await deployed.endWith(builds.atHand);
        await ask(gateway, 1, 33);
        const after = await gateway.ledger();
        // One that began anew would read all replies again, and find nobody who waits for them.
        expect(after.verdicts.accepted).toBeGreaterThanOrEqual(accepted);
        expect([after.read, after.inFlight, after.resets]).toEqual([33, 0, 0]);
      });
    }
    if (halves.other === "objects" && halves.gateway === "earlier") {
      test("when the deploy is taken back, the earlier drain serves on, and its ledger sums up", async () => {
        await storedVerdicts();
        const { gateway } = await deployed.endWith(earlier);
        await ask(gateway, 1, 33);
        const { read, inFlight } = await gateway.ledger();
        expect([read, inFlight]).toEqual([33, 0]);
      });
    }

    /** Those of the first two tests. A drain stores what it counted with its first poll after a second. */
    async function storedVerdicts() {
      await expect.poll(() => Date.now() > askedAt + storedAfterMs, { timeout: 5_000 }).toBe(true);
      const { verdicts } = await deployed.gateway.ledger();
      await ask(deployed.gateway, 1, 32);
      return verdicts;
    }
  });
});

const objectHalves = allHalves.filter(({ other }) => other === "objects");

describe.each(builds.earlier)("a durable exchange in the middle of a deploy over $revision:", (earlier) => {
  const isKnownBefore = !earlier.revision.startsWith(beforeDurableExchanges);

  test.each(objectHalves)("$title", async (halves) => {
    const bridge = await startMemoryBridge();
    onTestFinished(() => bridge.stop());
    const model = startModel(bridge.url, () => undefined);
    onTestFinished(() => model.finish());
    const { atHand } = builds;
    const deployed = await startHalfDeployed(halves, { atHand, earlier }, bridge.url, options, (cleanup) =>
      onTestFinished(async () => void (await cleanup())),
    );
    const keyed = (url: string) =>
      fetch(`${url}/predict`, {
        method: "POST",
        headers: { "Idempotency-Key": `"one key for ${halves.gateway}"` },
        body: JSON.stringify({ id: "txn_1", features: [1] }),
      });
    const first = await keyed(deployed.gateway.url);
    if (!isKnownBefore && halves.gateway === "at hand") {
      // Objects that keep nothing cannot be asked to: nothing is produced, and the client comes back.
      expect(await first.json()).toMatchObject({ status: 503, code: "waiter_unavailable" });
      expect(first.headers.get("retry-after")).toBe("1");
      const { gateway } = await deployed.endWith(atHand);
      expect((await keyed(gateway.url)).status).toBe(200);
      return;
    }
    expect(first.status).toBe(200);
    if (!isKnownBefore) return;
    const body = await first.text();
    // The answer has a time in it: made twice it would be another one.
    expect(await (await keyed(deployed.gateway.url)).text()).toBe(body);
    for (const build of [atHand, earlier, atHand]) {
      const { gateway } = await deployed.endWith(build);
      expect(await (await keyed(gateway.url)).text()).toBe(body);
      const found = await fetch(`${gateway.url}/requests/${first.headers.get("x-correlation-id")}`);
      expect([found.status, await found.text()]).toEqual([200, body]);
    }
  });
});

test("without the commits it needs it says how to get them", async () => {
  await expect(buildGateways(["0".repeat(40)])).rejects.toThrow("git fetch --unshallow");
});
