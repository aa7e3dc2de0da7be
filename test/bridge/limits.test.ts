// Bounds on what callers can make the bridge hold, against clients that behave badly on real sockets.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { basic, password, raw, testBridge, until, username, type TestBridge } from "../support/bridge.ts";

const topics = new Map([["red", 1]]);
const authorization = basic(username, password);
const refusal = (status: number) => ({ result: "Error", error: expect.any(String), status });

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly isClosed: () => boolean;
}

async function client({ url }: TestBridge): Promise<Client> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let text = "";
  let closed = false;
  socket.on("close", () => (closed = true));
  // Being cut is what these tests are about.
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  const take = (chunk: Buffer): void => void (text += chunk.toString("latin1"));
  socket.on("data", take);
  return { socket, text: () => text, isClosed: () => closed };
}

function head(line: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ host: "bridge", authorization, ...headers }).map(
    ([key, value]) => `${key}: ${value}\r\n`,
  );
  return `${line} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

async function bytesInHand({ url }: TestBridge): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
  // The page itself is not yet in hand when it is written.
  return Number(/^hearback_bridge_bytes_in_hand (\d+)$/m.exec(text)?.[1]);
}

async function untilInHand(bridge: TestBridge, isWanted: (bytes: number) => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (isWanted(await bytesInHand(bridge))) return;
  }
  throw new Error(`in hand: ${await bytesInHand(bridge)}`);
}

test("a produce of too many records is 413 and appends nothing", async () => {
  const { call } = await testBridge({ topics, maxProduceRecords: 3 });
  const values = (count: number) => Array.from({ length: count }, () => ({ value: "x" }));
  expect((await call("/produce/red", values(4))).json).toEqual(refusal(413));
  expect((await call("/offsets/latest", { topic: "red", partition: 0 })).json).toMatchObject([{ offset: 0 }]);
  expect((await call("/produce/red", values(3))).status).toBe(200);
});

test("headers over the limit are 431", async () => {
  const bridge = await testBridge({ maxHeaderBytes: 1_000 });
  const { socket, text } = await client(bridge);
  socket.write(head("GET /topics", { "x-long": "x".repeat(2_000) }));
  await until(() => text().startsWith("HTTP/1.1 431"), true);
});

test("a connection too many is closed, and its place is free when another ends", async () => {
  const bridge = await testBridge({ maxConnections: 2 });
  const first = await client(bridge);
  await client(bridge);
  const third = await client(bridge);
  await until(third.isClosed, true);
  first.socket.destroy();
  await until(first.isClosed, true);
  // The bridge may learn of the end a little later than the client.
  for (;;) {
    const next = await client(bridge);
    next.socket.write(head("GET /healthz"));
    await until(() => next.isClosed() || next.text().startsWith("HTTP/1.1 200"), true);
    if (!next.isClosed()) break;
  }
});

test("a long poll too many is 503 with Retry-After, and other routes are served meanwhile", async () => {
  const { call, log } = await testBridge({ topics, maxWaiting: 2 });
  const poll = () => call("/fetch", { topic: "red", partition: 0, offset: 0, timeout: 30_000 });
  const waiting = [poll(), poll()];
  await until(() => log.waiting, 2);
  const refused = await poll();
  expect([refused.json, refused.headers["retry-after"]]).toEqual([refusal(503), "1"]);
  expect((await call("/produce/red", { value: "x" })).status).toBe(200);
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await poll()).status).toBe(200);
});

test("an announced body that finds no room is 503 before it is sent, and finds room when others are done", async () => {
  const bridge = await testBridge({ topics, maxBytesInHand: 100_000 });
  const holder = await client(bridge);
  holder.socket.write(head("POST /produce/red", { "content-length": 90_000 }));
  await untilInHand(bridge, (bytes) => bytes >= 90_000);
  const refused = await client(bridge);
  refused.socket.write(head("POST /produce/red", { "content-length": 20_000, expect: "100-continue" }));
  await until(() => refused.text().includes("\r\n\r\n"), true);
  expect(refused.text()).toMatch(/^HTTP\/1\.1 503 /);
  expect(refused.text()).toMatch(/retry-after: 1\r\n/i);
  holder.socket.destroy();
  await untilInHand(bridge, (bytes) => bytes < 10_000);
  const answer = await bridge.call("/produce/red", { value: "x".repeat(20_000) });
  expect(answer.status).toBe(200);
});

test("a client that waits for it is told to go on, and its connection serves the next request", async () => {
  const bridge = await testBridge({ topics });
  const { socket, text } = await client(bridge);
  const body = JSON.stringify({ value: "x" });
  socket.write(head("POST /produce/red", { "content-length": body.length, expect: "100-continue" }));
  await until(() => text().startsWith("HTTP/1.1 100"), true);
  socket.write(body + head("GET /topics"));
  await until(() => text().includes('{"red":1}'), true);
});

test("a body in chunks is 503 as soon as it finds no room, and holds nothing then", async () => {
  const bridge = await testBridge({ topics, maxBytesInHand: 100_000 });
  const { socket, text } = await client(bridge);
  socket.write(head("POST /produce/red", { "transfer-encoding": "chunked" }));
  const chunk = `${(60_000).toString(16)}\r\n${"x".repeat(60_000)}\r\n`;
  socket.write(chunk);
  await untilInHand(bridge, (bytes) => bytes >= 60_000);
  socket.write(chunk);
  await until(() => text().startsWith("HTTP/1.1 503"), true);
  await untilInHand(bridge, (bytes) => bytes < 10_000);
});

test("a client that leaves halfway through its body leaves nothing in hand", async () => {
  const bridge = await testBridge({ topics });
  const { socket } = await client(bridge);
  socket.write(head("POST /produce/red", { "content-length": 1_000_000 }) + "x".repeat(10_000));
  await untilInHand(bridge, (bytes) => bytes >= 1_000_000);
  socket.destroy();
  await untilInHand(bridge, (bytes) => bytes < 10_000);
});

test("a body stays in hand while its produce runs, even when its client has left", async () => {
  const { log } = await testBridge({ topics });
  let finish = (): void => undefined;
  let begun = false;
  const held = new Promise<void>((resolve) => (finish = resolve));
  const slow: typeof log = {
    ...log,
    produce: async (records) => {
      begun = true;
      await held;
      return log.produce(records);
    },
  };
  const bridge = await testBridge({ log: slow });
  const leaving = new AbortController();
  const body = { value: "x".repeat(50_000) };
  const left = raw(`${bridge.url}/produce/red`, { method: "POST", body, signal: leaving.signal });
  await until(() => begun, true);
  leaving.abort();
  await expect(left).rejects.toThrow();
  // Every look is a request: the bridge has turned often enough to have seen the client go.
  for (let looks = 0; looks < 20; looks++) expect(await bytesInHand(bridge)).toBeGreaterThan(50_000);
  finish();
  await untilInHand(bridge, (bytes) => bytes < 10_000);
});

test("thousands of silent connections are closed in time, and others are served meanwhile", async () => {
  const bridge = await testBridge({ headersTimeoutMs: 300, checkIntervalMs: 50 });
  const silent = await Promise.all(Array.from({ length: 1_000 }, () => client(bridge)));
  expect((await bridge.call("/topics")).status).toBe(200);
  await until(() => silent.filter(({ isClosed }) => !isClosed()).length, 0);
});

test("headers that drip in and bodies that never end are cut in time", async () => {
  const bridge = await testBridge({
    topics,
    headersTimeoutMs: 300,
    requestTimeoutMs: 600,
    checkIntervalMs: 50,
  });
  const dripping = await client(bridge);
  dripping.socket.write("GET /topics HTTP/1.1\r\nhost: bridge\r\n");
  const drip = setInterval(() => void dripping.socket.write("x: y\r\n"), 20);
  onTestFinished(() => clearInterval(drip));
  const endless = await client(bridge);
  endless.socket.write(head("POST /produce/red", { "content-length": 1_000 }) + "{");
  await until(dripping.isClosed, true);
  await until(endless.isClosed, true);
  await untilInHand(bridge, (bytes) => bytes < 500);
});

/** Fetches that bring 4 MiB each, from a bridge whose sockets hold less than their clients ask for. */
const record = JSON.stringify({ value: "x".repeat(1_000_000) });
const fetchBody = JSON.stringify({ topic: "red", partition: 0, offset: 0 });
const fetchRequest = head("POST /fetch", { "content-length": fetchBody.length }) + fetchBody;

async function filled(options: Parameters<typeof testBridge>[0]): Promise<TestBridge> {
  const bridge = await testBridge({ topics, ...options });
  for (let each = 0; each < 16; each++) await bridge.call("/produce/red", record);
  return bridge;
}

test("clients that never read their answers hold a bounded number of bytes, and are cut", async () => {
  const maxBytesInHand = 40_000_000;
  const bridge = await filled({ maxBytesInHand, maxFetchBytes: 16_000_000, stuckReaderMs: 1_000 });
  const stuck = await Promise.all(Array.from({ length: 10 }, () => client(bridge)));
  for (const { socket } of stuck) {
    socket.pause();
    socket.write(fetchRequest);
  }
  await untilInHand(bridge, (bytes) => bytes > 16_000_000);
  for (let looks = 0; looks < 10; looks++) {
    expect(await bytesInHand(bridge)).toBeLessThanOrEqual(maxBytesInHand + 100_000);
  }
  const refused = await bridge.call("/fetch", { topic: "red", partition: 0, offset: 0 });
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
  const deadline = Date.now() + 10_000;
  while ((await bytesInHand(bridge)) > 100_000 && Date.now() < deadline);
  expect(await bytesInHand(bridge)).toBeLessThan(100_000);
});

test("a client that reads slowly, but reads, gets all of its answer", { timeout: 20_000 }, async () => {
  const bridge = await filled({ maxFetchBytes: 16_000_000, stuckReaderMs: 400 });
  const slow = await client(bridge);
  let bytes = 0;
  slow.socket.removeAllListeners("data");
  slow.socket.on("data", (chunk) => {
    bytes += chunk.length;
    slow.socket.pause();
    // Some 16 MB in 64 KiB at a time take a second and more.
    setTimeout(() => slow.socket.resume(), 5);
  });
  slow.socket.write(fetchRequest);
  const startedAt = Date.now();
  while (bytes < 15_000_000 && !slow.isClosed()) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(bytes).toBeGreaterThanOrEqual(15_000_000);
  expect(Date.now() - startedAt).toBeGreaterThan(400);
});
