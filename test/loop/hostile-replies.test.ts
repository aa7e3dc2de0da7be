// The table of hostile reply records, row by row, on a log that the drain reads while a client waits: each record gets
// the verdict that it should, the client the answer, the books balance, and the next honest request is served.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  decodeReplyAddress,
  encodeReply,
  encodeText,
  readHeader,
  type DrainVerdict,
  type KafkaRecord,
  type NewRecord,
} from "../../protocol/index.ts";
import { startHostileLoop, type HostileLedger, type HostileLoop } from "../support/hostile-loop.ts";
import { hostileReplies, type HostileReply, type Target } from "../support/hostile-replies.ts";

const cleanups: (() => unknown)[] = [];
let loop: HostileLoop;
let uuid: string;
let asked = 0;

beforeAll(async () => {
  loop = await startHostileLoop((cleanup) => void cleanups.push(cleanup));
  const signed = await fetch(`${loop.gateway.url}/signed`, { method: "POST", body: "honest" });
  uuid = signed.headers.get("x-correlation-id") ?? "";
});
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

interface Asked {
  readonly response: Promise<Response>;
  readonly id: string;
  readonly honest: NewRecord;
}

/** Opens an exchange that is stored before its request can be read: whatever comes finds its waiter open. */
async function ask(): Promise<Asked> {
  const body = `${loop.withheld}${++asked}`;
  const response = fetch(`${loop.gateway.url}/echo`, {
    method: "POST",
    headers: { "idempotency-key": `"the hostile exchange ${asked}"` },
    body,
  });
  const isIt = ({ value }: KafkaRecord) => new TextDecoder().decode(value ?? undefined) === body;
  await expect.poll(() => loop.seen.some(isIt), { interval: 2 }).toBe(true);
  const request = loop.seen.find(isIt);
  if (request === undefined) throw new Error("it was there");
  return {
    response,
    id: readHeader(request.headers, "X-Correlation-ID") ?? "",
    honest: honestReply(request),
  };
}

function honestReply(request: KafkaRecord): NewRecord {
  const address = decodeReplyAddress(request.headers);
  if (typeof address === "string") throw new Error(address);
  const now = Date.now();
  return encodeReply(address, request.headers, {
    status: 200,
    contentType: "text/plain",
    body: encodeText("honest"),
    sequence: 0,
    receivedAt: now,
    repliedAt: now,
  });
}

async function append(records: readonly NewRecord[]): Promise<void> {
  const answers = await loop.log.produce(records);
  expect(answers.filter((answer) => "refused" in answer)).toEqual([]);
}

/** When the drain has given so many verdicts more. */
async function ledgerAfter(before: HostileLedger, records: number): Promise<HostileLedger> {
  let now = before;
  await expect
    .poll(
      async () => {
        now = await loop.ledger();
        return [now.read, now.inFlight];
      },
      { timeout: 5_000, interval: 5 },
    )
    .toEqual([before.read + records, 0]);
  return now;
}

function difference(before: HostileLedger, after: HostileLedger): Readonly<Record<string, number>> {
  const entries = (Object.entries(after.verdicts) as [DrainVerdict, number][])
    .map(([verdict, count]) => [verdict, count - (before.verdicts[verdict] ?? 0)] as const)
    .filter(([, count]) => count !== 0);
  return Object.fromEntries(entries);
}

function counted(verdicts: readonly DrainVerdict[]): Readonly<Record<string, number>> {
  const counts: Partial<Record<DrainVerdict, number>> = {};
  for (const verdict of verdicts) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

async function expectClient(response: Response, { client }: HostileReply): Promise<void> {
  const body = await response.text();
  const expected = client === "still waits" ? { status: 200, body: "honest" } : client;
  expect(response.status).toBe(expected.status);
  expect(response.headers.get("set-cookie")).toBeNull();
  if ("code" in expected)
    expect(JSON.parse(body)).toMatchObject({ code: expected.code, status: expected.status });
  if ("body" in expected) expect(body).toBe(expected.body);
}

test.each(hostileReplies)("hostile: $title", async (row) => {
  const lines = loop.gateway.lines.length;
  const start = await loop.ledger();
  const earlier = await ask();
  await append([earlier.honest]);
  expect(await (await earlier.response).text()).toBe("honest");
  const waiting = await ask();
  const target: Target = { ...waiting, uuid, answered: { id: earlier.id, reply: earlier.honest } };

  const before = await ledgerAfter(start, 1);
  const records = row.records(target);
  await append(records);
  const after = await ledgerAfter(before, records.length);
  expect(difference(before, after)).toEqual(counted(row.verdicts));
  if (row.client === "still waits") await append([waiting.honest]);
  await expectClient(await waiting.response, row);

  // What was answered stays as it was.
  const again = await fetch(`${loop.gateway.url}/requests/${earlier.id}`);
  expect(await again.text()).toBe("honest");
  const healthy = await fetch(`${loop.gateway.url}/echo`, { method: "POST", body: "honest" });
  expect(healthy.status).toBe(200);
  await healthy.arrayBuffer();
  const { balanced, read, inFlight, verdicts } = await ledgerAfter(
    after,
    row.client === "still waits" ? 2 : 1,
  );
  const settled = Object.values(verdicts).reduce((sum, count) => sum + count, 0);
  expect([balanced, settled + inFlight]).toEqual([true, read]);
  expect(loop.gateway.lines.slice(lines)).toEqual([]);
});

test("there are thirty hostile replies at least, each of its own", () => {
  expect(hostileReplies.length).toBeGreaterThanOrEqual(30);
  expect(new Set(hostileReplies.map(({ title }) => title)).size).toBe(hostileReplies.length);
});
