// The port's adapter and the published SDK against an endpoint that fails every call: what is really sent.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createUpstashKafka } from "../../kafka/index.ts";
import { encodeText, recordHeaders } from "../../protocol/index.ts";
import { useCleanups } from "../support/cleanups.ts";

const later = useCleanups();

async function startFailing(status = 500) {
  let calls = 0;
  const server = createServer((request, response) => {
    calls++;
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end('{"error":"broken"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  later(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const kafka = createUpstashKafka({ url: `http://127.0.0.1:${port}`, username: "dev", password: "dev" });
  return { kafka, calls: () => calls };
}

function requestWith(deadline: number) {
  const headers = [{ key: recordHeaders.deadline, value: encodeText(String(deadline)) }];
  return { topic: "red", key: null, value: encodeText("x"), headers };
}

test("a read that fails has failed with its first attempt, long before the SDK would give up", async () => {
  const { kafka, calls } = await startFailing();
  const waitMs = 60_000;
  const position = { topic: "red", partition: 0, offset: 0, log: "" };
  const answers = await Promise.all([
    kafka.fetch([position], waitMs),
    kafka.offsets("latest", [position], waitMs),
    kafka.topics(waitMs),
    kafka.groupState("models", "red", 1_000, waitMs),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => "unreachable"));
  expect(calls()).toBe(4);
});

test("a peer that answers something else when it is asked for a group counts as one that cannot say", async () => {
  const { kafka } = await startFailing(200);
  expect(await kafka.groupState("models", "red", 1_000, 10_000)).toMatchObject({ status: "unreachable" });
});

test("a produce is sent again while its request waits, and not after the deadline", async () => {
  const { kafka, calls } = await startFailing();
  await kafka.produce(requestWith(Date.now()), 1_000);
  expect(calls()).toBe(1);
  await kafka.produce(requestWith(Date.now() + 60_000), 1_000);
  expect(calls()).toBeGreaterThan(2);
});
