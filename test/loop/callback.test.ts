// Callbacks between real processes: a receiver that checks what is signed, a runtime that is killed between two attempts.

import { expect, test } from "vitest";
import {
  askWithCallback,
  callbackSecrets,
  callbackStatusAt,
  startCallbackLoop,
} from "../support/callback-loop.ts";
import { useCleanups } from "../support/cleanups.ts";
import { redirect, startWebhookReceiver } from "../support/webhook-receiver.ts";

const later = useCleanups();

test("a callback survives the runtime killed with -9 between two attempts, and a redirect is not followed", async () => {
  const gateway = await startCallbackLoop(later);
  const [newest, oldest] = callbackSecrets;
  const moved = await startWebhookReceiver(oldest, [redirect], later);
  const location = await askWithCallback(gateway, moved.url);
  await expect
    .poll(() => callbackStatusAt(gateway, location), { interval: 5, timeout: 10_000 })
    .toMatch(/^pending;attempts=1;last="307";next=@\d+$/);
  await gateway.kill();
  await gateway.restarted();
  await expect
    .poll(() => callbackStatusAt(gateway, location), { timeout: 20_000 })
    .toMatch(/^delivered;attempts=\d;last="204"$/);
  expect(new Set(moved.paths)).toEqual(new Set(["/hook"]));
  const [first, ...repeats] = moved.received;
  for (const { id, body } of repeats) expect([id, body]).toEqual([first?.id, first?.body]);
  expect(first?.body).toMatchObject({
    type: "exchange.replied",
    data: { service: "predict", location, reply: { status: 200, contentType: "application/json" } },
  });

  // The other secret is as good.
  const other = await startWebhookReceiver(newest, [], later);
  await askWithCallback(gateway, other.url);
  await expect.poll(() => other.received.length, { timeout: 10_000 }).toBe(1);
  expect(gateway.lines.filter((line) => line.includes("hearback:"))).toEqual([]);
});
