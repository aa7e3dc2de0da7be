// The network between gateway and bridge when it is slow, silent or broken, or when something else answers in the
// bridge's place: what callers get meanwhile, and that all goes on by itself afterwards.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { requestTopic } from "../fixtures/loop/durable-config.ts";
import { keyed, startDurableLoop, type DurableLoop } from "../support/durable-loop.ts";
import { startFaultProxy, type Fault, type FaultProxy } from "../support/fault-proxy.ts";
import { ledgerOf } from "../support/loop.ts";
import { endlessAnswer, httpAnswer, wrongAnswers } from "../support/wrong-answers.ts";

/** Of the service that plain requests go to. */
const timeoutMs = 1_500;
/** A keyed client waits no longer before it comes again. */
const impatienceMs = 1_000;

const said = (name: string) => [wrongAnswers[name] ?? httpAnswer(500, "")];
const html = said("a 200 of HTML");
const shapeless = said("a list of nothing in particular");

interface Row {
  readonly what: string;
  readonly fault: Fault;
  /** What plain requests come to: an answer, a problem, or either. */
  readonly plain: "answered" | "problem" | "either";
}

const faults: readonly Row[] = [
  { what: "slow", fault: { kind: "slow", latencyMs: 50, jitterMs: 50 }, plain: "answered" },
  {
    what: "so slow that nothing is in time",
    fault: { kind: "slow", latencyMs: 2_000 },
    plain: "problem",
  },
  { what: "a trickle", fault: { kind: "slow", latencyMs: 0, bytesPerSecond: 500 }, plain: "either" },
  { what: "silent, and nobody is told", fault: { kind: "silent", side: "both" }, plain: "problem" },
  { what: "reset", fault: { kind: "refuse" }, plain: "problem" },
  {
    what: "cut when the bridge has taken a record",
    fault: { kind: "cut", on: /produce/, afterBytes: 0, by: "RST" },
    plain: "answered",
  },
  {
    what: "cut in the middle of each answer",
    fault: { kind: "cut", afterBytes: 100, by: "FIN" },
    plain: "either",
  },
  {
    what: "cut in the middle of what the drain reads",
    fault: { kind: "cut", on: /fetch/, afterBytes: 300, by: "RST" },
    plain: "problem",
  },
  { what: "asked twice for everything", fault: { kind: "twice" }, plain: "answered" },
  {
    what: "a web page in place of everything",
    fault: { kind: "answer", bytes: html, isForwarded: false },
    plain: "problem",
  },
  {
    what: "JSON without sense for a record that was taken",
    fault: { kind: "answer", on: /produce/, bytes: shapeless, isForwarded: true },
    plain: "answered",
  },
  {
    what: "JSON without sense for everything else",
    fault: { kind: "answer", on: /fetch|offsets|topics/, bytes: shapeless, isForwarded: true },
    plain: "problem",
  },
  {
    what: "a body without an end",
    fault: {
      kind: "answer",
      bytes: { [Symbol.iterator]: () => endlessAnswer()[Symbol.iterator]() },
      isForwarded: false,
    },
    plain: "problem",
  },
];

describe("between gateway and bridge the network is", () => {
  let loop: DurableLoop;
  let proxy: FaultProxy;
  const startedAt = Date.now();
  const atTheEnd: (() => unknown)[] = [];
  beforeAll(async () => {
    const later = (cleanup: () => unknown) => atTheEnd.push(cleanup);
    loop = await startDurableLoop(later, {
      async bridgeSeenAt(port) {
        proxy = await startFaultProxy({ target: port, reads: "http" });
        later(() => proxy.close());
        return proxy.url;
      },
    });
  });
  afterAll(async () => {
    for (const cleanup of atTheEnd.toReversed()) await cleanup();
  });

  async function askPlainly(): Promise<{ readonly came: string; readonly tookMs: number }> {
    const nonce = randomUUID();
    const askedAt = performance.now();
    const { status, text, answeredAt } = await loop.ask("brief", { nonce, afterMs: 0 });
    const tookMs = answeredAt - askedAt;
    if (status === 200) return { came: text === nonce ? "answered" : `a wrong answer: ${text}`, tookMs };
    const { code } = JSON.parse(text) as { code: string };
    return { came: `${status} ${code}`, tookMs };
  }

  /** Comes again until it has an answer. */
  async function insist(nonce: string): Promise<string> {
    for (;;) {
      const response = await fetch(`${loop.gateway.url}/slow`, {
        method: "POST",
        headers: keyed(nonce),
        body: JSON.stringify({ nonce, afterMs: 0 }),
        signal: AbortSignal.timeout(impatienceMs),
      }).catch(() => undefined);
      const text = await response?.text().catch(() => undefined);
      if (response === undefined || text === undefined) continue;
      if (response.status === 200) return text;
      // What else may be said must be a problem, after which one may come again.
      expect([503, 504]).toContain(response.status);
    }
  }

  test.each(faults)(
    "$what: plain requests end in their answer or a problem, keyed ones get one answer to one record, and all goes on",
    async ({ fault, plain }) => {
      await expect.poll(async () => (await askPlainly()).came, { timeout: 20_000 }).toBe("answered");
      onTestFinished(() => proxy.heal());
      proxy.inject(fault);
      const nonces = [randomUUID(), randomUUID()];
      const insisting = nonces.map((nonce) => Promise.all([insist(nonce), insist(nonce)]));
      const plainly = await Promise.all([askPlainly(), askPlainly(), askPlainly()]);
      for (const { came, tookMs } of plainly) {
        if (plain === "answered") expect(came).toBe("answered");
        if (plain === "problem") expect(came).toBe("504 deadline_exceeded");
        expect(["answered", "504 deadline_exceeded"]).toContain(came);
        expect(tookMs).toBeLessThan(timeoutMs + 1_000);
      }
      expect(proxy.met).toBeGreaterThan(0);
      proxy.heal();
      expect(await Promise.all(insisting)).toEqual(nonces.map((nonce) => [nonce, nonce]));
      for (const nonce of nonces) expect(loop.echo.recordsOf(nonce)).toBe(1);
      // A connection that fell silent is noticed when its poll has not come back.
      await expect.poll(async () => (await askPlainly()).came, { timeout: 10_000 }).toBe("answered");
      const { read, settled, inFlight } = await ledgerOf(loop.gateway.url);
      expect(settled + inFlight).toBe(read);
      expect(proxy.open).toBeLessThan(12);
    },
  );

  test("what was wrong is in the log, in a line a minute for each kind, and nothing in it is an error", () => {
    const lines = loop.gateway.lines.filter((line) => line.includes("hearback: "));
    const minutes = Math.ceil((Date.now() - startedAt) / 60_000);
    for (const kind of [
      "Kafka REST did not answer the drain: ",
      `a record for ${requestTopic} may or may not be written: `,
    ]) {
      const ofKind = lines.filter((line) => line.startsWith(`hearback: ${kind}`));
      expect(ofKind.length).toBeGreaterThan(0);
      expect(ofKind.length).toBeLessThanOrEqual(minutes);
    }
    expect(loop.gateway.lines.length).toBeLessThanOrEqual(2 * minutes);
  });
});
