// A request that is taken back, from the client's DELETE to the handler that stops: through a cancel record on the
// request topic, which the responder kit reads.

import { expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { startGateways } from "../support/gateways.ts";
import { startMemoryBridge, startModel } from "../support/loop.ts";

const later = useCleanups();

test("a request that is cancelled stops its handler, and is answered by nobody", async () => {
  const bridge = await startMemoryBridge();
  later(() => bridge.stop());
  let working = 0;
  let stopped = 0;
  const responder = startModel(
    bridge.url,
    () => undefined,
    async (_, { signal }) => {
      working++;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      stopped++;
      return { body: "too late" };
    },
  );
  later(() => responder.finish());
  const { byName } = await startGateways(
    bridge.url,
    [
      {
        name: "gateway",
        options: {
          services: {
            slow: {
              route: "POST /slow",
              requestTopic: "inference.requests.v1",
              replyTopic: "inference.replies.v1",
              replyPartitions: 3,
              timeoutMs: 20_000,
              cancelRecords: true,
            },
          },
        },
      },
    ],
    later,
  );
  const { gateway } = byName;
  const { url } = gateway;
  const accepted = await fetch(`${url}/slow`, {
    method: "POST",
    body: "{}",
    headers: { prefer: "respond-async" },
  });
  expect(accepted.status).toBe(202);
  await expect.poll(() => working).toBe(1);
  const cancelled = await fetch(`${url}${accepted.headers.get("location")}`, { method: "DELETE" });
  expect(cancelled.status).toBe(204);
  await expect.poll(() => stopped).toBe(1);

  await expect.poll(() => responder.counts).toMatchObject({ cancelled: 1, cancel: 1, replied: 0 });
  expect(await gateway.ledger()).toMatchObject({ read: 0, settled: 0 });
});
