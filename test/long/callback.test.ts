// A callback on the real clock: a receiver that fails four times in four ways, and then accepts.

import { afterAll, expect, test } from "vitest";
import {
  askWithCallback,
  callbackSecrets,
  callbackStatusAt,
  postWithCallback,
  startCallbackLoop,
} from "../support/callback-loop.ts";
import { useCleanups } from "../support/cleanups.ts";
import { Proof } from "../support/proof.ts";
import { breakOff, fail, hang, redirect, startWebhookReceiver } from "../support/webhook-receiver.ts";

const proof = new Proof("callback", "A callback to a receiver that fails four times");
afterAll(() => proof.write());

const later = useCleanups();

test("is accepted in the end: one ID, a fresh timestamp each time, every signature good", async () => {
  const gateway = await startCallbackLoop(later);
  const receiver = await startWebhookReceiver(callbackSecrets[1], [fail, hang, breakOff, redirect], later);
  const location = await askWithCallback(gateway, receiver.url);
  const said = new Set<string>();
  await expect
    .poll(
      async () => {
        const status = await callbackStatusAt(gateway, location);
        if (status.includes("last=")) said.add(status.replace(/;next=@\d+/, ""));
        return status;
      },
      { timeout: 240_000, interval: 250 },
    )
    .toBe('delivered;attempts=5;last="204"');
  const { received, paths } = receiver;
  const seconds = received.slice(1).map(({ at }, index) => (at - (received[index]?.at ?? 0)) / 1_000);
  proof.add("what the receiver did", "500; no answer; connection broken off; 307; 204");
  proof.add("said at `/requests/{id}` meanwhile", [...said].join(", "));
  proof.add("pauses before attempts 2 to 5, in s", seconds.map((pause) => pause.toFixed(1)).join(", "));
  proof.add(
    "deliveries signed as the specification wants, of all requests",
    `${received.length} of ${paths.length}`,
  );
  proof.add("different `webhook-id`s", String(new Set(received.map(({ id }) => id)).size));
  proof.add("different bodies", String(new Set(received.map(({ body }) => JSON.stringify(body))).size));
  proof.add("requests to where the redirect led", String(paths.filter((path) => path !== "/hook").length));
  expect(received).toHaveLength(5);
  expect(paths).toEqual(Array.from({ length: 5 }, () => "/hook"));
  expect(new Set(received.map(({ id }) => id)).size).toBe(1);
  expect(new Set(received.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  // The receiver's clock and the gateway's are the same one.
  for (const { timestamp, at } of received) expect(at / 1_000 - timestamp).toBeLessThan(2);
  // 1 s, 5 s (behind the 10 s of the one that hung), 30 s and 2 min, each up to a quarter shorter.
  const longest = [1, 15, 30, 120];
  for (const [index, pause] of seconds.entries()) {
    const most = longest[index] ?? 0;
    expect(pause).toBeGreaterThan(index === 1 ? 13.5 : most * 0.74);
    expect(pause).toBeLessThan(most + 1.5);
  }
});

test("is refused where its host is not listed, and nobody on this machine is called", async () => {
  const gateway = await startCallbackLoop(later, { isOpen: false });
  const receiver = await startWebhookReceiver(callbackSecrets[1], [], later);
  const targets = [
    receiver.url,
    receiver.url.replace("http:", "https:"),
    receiver.url.replace("127.0.0.1", "localhost"),
    receiver.url.replace("127.0.0.1", "2130706433"),
    "https://[::1]/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/",
    "https://elsewhere.example.com/",
    "https://hooks.example.com@elsewhere.example.com/",
    "https://hooks.example.com.elsewhere.example.com/",
    "http://hooks.example.com/",
  ];
  const answers = await Promise.all(targets.map((target) => postWithCallback(gateway, target)));
  const codes = await Promise.all(
    answers.map(async (answer) => `${answer.status} ${((await answer.json()) as { code: string }).code}`),
  );
  const refused = codes.filter((code) => code === "400 callback_refused").length;
  proof.add(
    "targets refused with a 400: addresses, inner names, not listed, no https",
    `${refused} of ${targets.length}`,
  );
  expect(refused).toBe(targets.length);
  expect(receiver.paths).toEqual([]);
});
