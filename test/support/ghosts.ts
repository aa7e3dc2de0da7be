// Requests that nobody answers in time, and replies that nobody waits for: late ones as services write them, with the
// headers of the request or without, and some to IDs that were never used.

import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { encodeText, readHeader, recordHeaders, type NewRecord } from "../../protocol/index.ts";
import { replyTopic } from "../fixtures/loop/durable-config.ts";
import type { DurableLoop } from "./durable-loop.ts";
import { atRate } from "./pace.ts";

/** Slow enough for the files of new objects: on two cores a few hundred a second. */
const perTurn = { expiring: 8, late: 64, bare: 8, unused: 8 };
const turnsPerSecond = 10;
const turns = 625;

/** Objects that come into being in one half: of the requests, and of the IDs that nobody used. */
export const newObjects = turns * (perTurn.expiring + perTurn.unused);
export const newObjectsPerSecond = turnsPerSecond * (perTurn.expiring + perTurn.unused);

/** 5,000 requests, one in ten of them durable, and 50,000 ghosts, over a minute. */
export async function halfOfTheVolume(loop: DurableLoop): Promise<void> {
  const ended: string[] = [];
  const statuses: number[] = [];
  const unused = await loop.mint(turns * perTurn.unused);
  const expire = async (service: string): Promise<void> => {
    const nonce = randomUUID();
    const { status } = await loop.ask(service, { nonce });
    statuses.push(status);
    // Where Kafka took too long there is no record to answer.
    if (loop.echo.recordsOf(nonce) > 0) ended.push(nonce);
  };
  // So that there is something to be late for.
  await expire("brief");
  statuses.length = 0;
  await atRate(turns, turnsPerSecond, async (turn) => {
    const lateOf = (per: number): NewRecord[] =>
      Array.from({ length: per }, (_, at) =>
        loop.echo.replyTo(ended[(turn * per + at) % ended.length] ?? ""),
      );
    const ghosts = [
      ...lateOf(perTurn.late),
      ...lateOf(perTurn.bare).map((reply) =>
        bareReply(readHeader(reply.headers, recordHeaders.correlationId)),
      ),
      ...unused.slice(turn * perTurn.unused, (turn + 1) * perTurn.unused).map(bareReply),
    ];
    const appended = await loop.log.produce(ghosts);
    expect(appended.filter((one) => "refused" in one)).toEqual([]);
    await Promise.all(
      Array.from({ length: perTurn.expiring }, (_, at) =>
        expire((turn * perTurn.expiring + at) % 10 === 0 ? "kept" : "brief"),
      ),
    );
  });
  expect(statuses.filter((status) => status === 504)).toHaveLength(turns * perTurn.expiring);
}

/** Nothing on it says that nobody waits for it any more. */
function bareReply(id = ""): NewRecord {
  return { topic: replyTopic, key: encodeText(id), value: encodeText("for nobody"), headers: [] };
}
