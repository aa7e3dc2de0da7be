// The table of hostile requests, row by row, on the socket of the Worker itself: each gets the status and code that it
// should, the log says nothing, and the next honest request is served.

import { Buffer } from "node:buffer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { correlationIdForm, type Problem } from "../../protocol/index.ts";
import { openRaw, type RawOutcome } from "../support/raw-http.ts";
import { secrets, startHostileLoop, type HostileLoop, type Mirrored } from "../support/hostile-loop.ts";
import { hostileRequests } from "../support/hostile-requests/index.ts";
import { acmeIdempotencyKey, type HostileRequest, type Known } from "../support/hostile-requests/words.ts";

const cleanups: (() => unknown)[] = [];
let loop: HostileLoop;
let known: Known;

beforeAll(async () => {
  loop = await startHostileLoop((cleanup) => void cleanups.push(cleanup));
  known = {
    hexId: await idOf("/echo"),
    uuidId: await idOf("/signed"),
    acmeId: await idOf("/tenant", {
      authorization: `Bearer ${secrets.acmeKey}`,
      "idempotency-key": `"${acmeIdempotencyKey}"`,
    }),
  };
});
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

type Headers = Readonly<Record<string, string>>;

const ask = (path: string, body: string, headers: Headers = {}): Promise<Response> =>
  fetch(`${loop.gateway.directUrl}${path}`, { method: "POST", body, headers });

async function idOf(path: string, headers: Headers = {}): Promise<string> {
  const response = await ask(path, "honest", headers);
  expect(response.status).toBe(200);
  return response.headers.get("x-correlation-id") ?? "";
}

async function outcomeOf(row: HostileRequest): Promise<RawOutcome> {
  const connection = openRaw(loop.gateway.directUrl);
  if ("converse" in row) await row.converse(connection);
  else await connection.write(typeof row.send === "string" ? row.send : row.send(known));
  return connection.outcome;
}

/** In the words of the table. */
function seen(outcome: RawOutcome): unknown {
  if (typeof outcome === "string") return outcome;
  const { status, headers, body } = outcome;
  const id = headers.get("x-correlation-id");
  if (id === undefined) return { status, code: "platform" };
  if (correlationIdForm(id) === undefined) return { status, code: `an answer of ${id}` };
  if (body === "") return { status, code: "bare" };
  const said = JSON.parse(body) as Mirrored | { code: string; status: number; correlationId: string };
  if (!("code" in said)) return { status, code: "served" };
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(said).toMatchObject({ status, correlationId: id });
  return { status, code: said.code };
}

test.each(hostileRequests)("hostile: $title", async (row) => {
  const before = loop.gateway.lines.length;
  const outcome = await outcomeOf(row);
  const { expected } = row;
  if (typeof expected === "string") expect(outcome).toBe(expected);
  else expect(seen(outcome)).toEqual({ status: expected.status, code: expected.code });
  if (typeof outcome !== "string" && typeof expected !== "string") {
    if ("shown" in expected && expected.shown !== undefined) {
      const text = Buffer.from(outcome.body, "latin1").toString();
      expect(expected.shown.of(JSON.parse(text) as Mirrored)).toEqual(expected.shown.is);
    }
    if ("told" in expected && expected.told !== undefined) {
      expect(expected.told.of(JSON.parse(outcome.body) as Problem)).toEqual(expected.told.is);
    }
    for (const [name, value] of Object.entries(row.answerHeaders ?? {})) {
      expect([name, outcome.headers.get(name)]).toEqual([name, value]);
    }
    // Nothing of how we are made: no stack, no topic, no file. What is served is the service's own.
    if (expected.code !== "served") expect(outcome.body).not.toMatch(/\n\s+at |hostile\.re|\.[jt]s\b/);
  }
  const healthy = await ask("/echo", "honest");
  expect(healthy.status).toBe(200);
  expect(await healthy.json()).toMatchObject({ body: Buffer.from("honest").toString("base64") });
  const lines = loop.gateway.lines.slice(before).filter((line) => row.platformSays?.test(line) !== true);
  expect(lines).toEqual([]);
});

test("there are forty hostile requests at least, each of its own", () => {
  expect(hostileRequests.length).toBeGreaterThanOrEqual(40);
  expect(new Set(hostileRequests.map(({ title }) => title)).size).toBe(hostileRequests.length);
});

test("a hundred connections that never finish their head hold up nobody", async () => {
  const slow = Array.from({ length: 100 }, () => openRaw(loop.gateway.directUrl));
  await Promise.all(slow.map((each) => each.write("POST /echo HTTP/1.1\r\nHost: gateway.test\r\nX-Slow: ")));
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask("/echo", "honest")));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const each of slow) each.reset();
  expect(new Set(await Promise.all(slow.map(({ outcome }) => outcome)))).toEqual(new Set(["silent"]));
});

test("what a tenant opened is its own after all of it", async () => {
  const path = `${loop.gateway.directUrl}/requests/${known.acmeId}`;
  const own = await fetch(path, { headers: { "x-api-key": secrets.acmeKey } });
  expect([own.status, (await own.json()) as Mirrored]).toEqual([
    200,
    expect.objectContaining({ body: Buffer.from("honest").toString("base64") }),
  ]);
});

test("no secret is in a record that a service was sent", () => {
  const records = loop.seen
    .flatMap(({ key, value, headers }) => [key, value, ...headers.map((header) => header.value)])
    .map((bytes) => Buffer.from(bytes ?? []).toString("latin1"))
    .join("\n");
  expect(records).toContain('{"sub":"acme"}');
  for (const secret of Object.values(secrets)) expect(records).not.toContain(secret);
});

test("no secret is in the log, and the books balance after all of it", async () => {
  const said = loop.gateway.lines.join("\n");
  for (const secret of Object.values(secrets)) expect(said).not.toContain(secret);
  await expect.poll(async () => (await loop.ledger()).inFlight).toBe(0);
  const { balanced, read, verdicts } = await loop.ledger();
  const settled = Object.values(verdicts).reduce((sum, count) => sum + count, 0);
  expect([balanced, settled]).toEqual([true, read]);
  expect(read).toBeGreaterThan(hostileRequests.length);
});
