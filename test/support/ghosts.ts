// Requests that nobody answers in time, and replies that nobody waits for: late ones as services write them, with the
// headers of the request, or without.

import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { encodeText, readHeader, recordHeaders, type NewRecord } from "../../protocol/index.ts";
import { replyTopic } from "../fixtures/loop/durable-config.ts";
import type { DurableLoop } from "./durable-loop.ts";
import { atRate } from "./pace.ts";

/** Slow enough for the files of new objects: on two cores a few hundred a second. */
const expiringPerSecond = 80;
const ghostsPerTurn = 80;
const ghostTurnsPerSecond = 12;

/** As many requests, one in ten of them durable; all of them end in a 504. Answers the nonces of those that Kafka has. */
export async function letExpire(loop: DurableLoop, count: number): Promise<readonly string[]> {
  const statuses = new Map<number, number>();
  const nonces = await atRate(count, expiringPerSecond, async (at) => {
    const nonce = randomUUID();
    const { status } = await loop.ask(at % 10 === 0 ? "kept" : "brief", { nonce });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    return nonce;
  });
  expect([...statuses]).toEqual([[504, count]]);
  return nonces.filter((nonce) => loop.echo.recordsOf(nonce) > 0);
}

/** So many replies to requests that have ended, a tenth of them with no header that says so. */
export async function sendGhosts(loop: DurableLoop, ended: readonly string[], count: number): Promise<void> {
  await atRate(count / ghostsPerTurn, ghostTurnsPerSecond, async (turn) => {
    const ghosts = Array.from({ length: ghostsPerTurn }, (_, at) => {
      const reply = loop.echo.replyTo(ended[(turn * ghostsPerTurn + at) % ended.length] ?? "");
      return at % 10 === 0 ? bareReply(readHeader(reply.headers, recordHeaders.correlationId)) : reply;
    });
    const appended = await loop.log.produce(ghosts);
    expect(appended.filter((one) => "refused" in one)).toEqual([]);
  });
}

/** Nothing on it says that nobody waits for it any more. */
function bareReply(id = ""): NewRecord {
  return { topic: replyTopic, key: encodeText(id), value: encodeText("for nobody"), headers: [] };
}
