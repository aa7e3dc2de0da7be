// The whole loop as its users see it: HTTP in, a bridge, a responder, the reply back, in one deployment and
// with the consumer apart.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handlePredict } from "../../examples/predict/handler.ts";
import type { Handler, ResponderEvent } from "../../responder/index.ts";
import {
  ledgerOf,
  postJson,
  startGateway,
  startMemoryBridge,
  startModel,
  type Gateway,
  type RunningResponder,
  type TestBridge,
} from "../support/loop.ts";

describe.each(["together", "apart"] as const)("gateway and consumer %s", (form) => {
  let bridge: TestBridge;
  let gateway: Gateway;
  let model: RunningResponder;
  const thrown: ResponderEvent[] = [];
  const handler: Handler = (request) => {
    if (request.path === "/predict/1s" && request.body.byteLength === 0) throw new Error("secret");
    return handlePredict(request);
  };

  beforeAll(async () => {
    bridge = await startMemoryBridge();
    gateway = await startGateway(form, bridge.url);
    model = startModel(
      bridge.url,
      (event) => {
        if (event.type === "handler-failed") thrown.push(event);
      },
      handler,
    );
  });
  afterAll(async () => {
    await model.finish();
    await gateway.stop();
    await bridge.stop();
  });

  test.each([
    [[0.5, 0.3, 0.8], 0.533],
    [[0.2, 0.7, 0.4], 0.433],
    [[0.9, 0.1, 0.5], 0.5],
  ])("[A1, E19] POST /predict with features %j answers %f", async (features, prediction) => {
    const response = await postJson(`${gateway.url}/predict`, { id: "txn_1", features });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: "txn_1",
      prediction,
      model_id: "mean_v1",
      timestamp: expect.any(Number),
    });
  });

  test("[A2] parallel requests get each its own answer and an ID of their own, and the ledger balances", async () => {
    const before = await ledgerOf(gateway.url);
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, at) => {
        const response = await postJson(`${gateway.url}/predict`, { id: `txn_${at}`, features: [at] });
        const body = (await response.json()) as { id: string; prediction: number };
        return {
          id: response.headers.get("x-correlation-id"),
          right: body.id === `txn_${at}` && body.prediction === at,
        };
      }),
    );
    expect(answers.filter(({ right }) => right)).toHaveLength(60);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(60);
    const after = await ledgerOf(gateway.url);
    expect(after.settled + after.inFlight).toBe(after.read);
    expect(after.read - before.read).toBe(60);
  });

  test("[D4] a handler that throws becomes a 502 at once, and its message stays inside", async () => {
    const startedAt = Date.now();
    const response = await fetch(`${gateway.url}/predict/1s`, { method: "POST" });
    const text = await response.text();
    expect([response.status, Date.now() - startedAt < 900]).toEqual([502, true]);
    expect(JSON.parse(text)).toMatchObject({ code: "responder_failed" });
    expect(text).not.toContain("secret");
    expect(thrown).toHaveLength(1);
  });

  test("a body that the service cannot read is a 400 from it, with what is wrong", async () => {
    const response = await fetch(`${gateway.url}/predict`, { method: "POST", body: Uint8Array.of(0xff) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "body_unreadable",
      detail: "the request body is not UTF-8",
    });
  });

  test("what the service itself refuses keeps the service's status and body", async () => {
    const response = await postJson(`${gateway.url}/predict`, { id: "txn_1" });
    expect([response.status, response.headers.get("content-type")]).toEqual([422, "application/json"]);
  });

  test("[A12, A16] a slow model is a 504 at the deadline; its reply counts as late and logs no error", async () => {
    gateway.server.clearLogs();
    const before = await ledgerOf(gateway.url);
    const startedAt = Date.now();
    const response = await postJson(`${gateway.url}/predict/1s`, {
      id: "slow",
      features: [1],
      delay_ms: 1_300,
    });
    const waitedMs = Date.now() - startedAt;
    expect(await response.json()).toMatchObject({ status: 504, code: "deadline_exceeded" });
    expect(waitedMs).toBeGreaterThanOrEqual(1_000);
    expect(waitedMs).toBeLessThan(1_250);
    await expect
      .poll(async () => (await ledgerOf(gateway.url)).verdicts.late ?? 0, { timeout: 5_000 })
      .toBe((before.verdicts.late ?? 0) + 1);
    expect(gateway.server.getLogs().filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  test("a wait that outlasts a single hold is answered in a later one", async () => {
    const response = await postJson(`${gateway.url}/predict`, {
      id: "patient",
      features: [2],
      delay_ms: 2_000,
    });
    expect(await response.json()).toMatchObject({ id: "patient", prediction: 2 });
  });
});
