// The checker of chaos runs on a run of seconds over the embedded log, in which nothing is killed: it finds nothing
// wrong with the gateway that ships, and with a broken one what is broken. All broken ones, on Kafka, are test/long's.

import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import { newApiKey } from "../../dev/api-key/new-key.ts";
import type { Log } from "../../kafka/log/index.ts";
import { readHeader, recordHeaders, type KafkaRecord } from "../../protocol/index.ts";
import { brokenGateways } from "../chaos/broken/index.ts";
import { judge, type CheckReport } from "../chaos/checker/judge.ts";
import { readReplyRecord, readRequestRecord, type RawRecord } from "../chaos/checker/records.ts";
import { startClients } from "../chaos/clients.ts";
import { readEnd } from "../chaos/end.ts";
import {
  apiKeysSecret,
  principals,
  replyPartitions,
  replyTopic,
  requestPartitions,
  requestTopic,
  timesVariable,
} from "../chaos/gateway/services.ts";
import type { CallLine, ReplyBody, TryLine } from "../chaos/journal.ts";
import type { Journal } from "../chaos/journal-file.ts";
import { atOnce } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { bridgeOver } from "../support/embedded-bridge.ts";
import { startLogResponder } from "../support/log-responder.ts";
import { credentialsFor } from "../support/loop.ts";
import { startRestartableGateway } from "../support/restartable-gateway.ts";

const later = useCleanups();
const times = { plainMs: 3_200, keyedMs: 3_200, asyncMs: 3_200, retentionMs: 1_000 };
const callsInAll = 40;

test("finds nothing wrong with what ships, and that a later reply takes the place of the first", async () => {
  const broken = brokenGateways.find(({ name }) => name === "later-reply-wins");
  const [shipped, wrong] = await Promise.all([
    shortRun("test/chaos/gateway/entry.ts"),
    shortRun(broken?.entry ?? "no such gateway"),
  ]);
  expect(shipped.violations).toEqual([]);
  const { "calls answered": answered = 0, "request records": requests = 0 } = shipped.counts;
  expect(answered).toBeGreaterThan(callsInAll / 2);
  expect(shipped.counts["reply records"]).toBe(2 * requests);
  const names = new Set(wrong.violations.map(({ name }) => name));
  expect(broken?.caughtAs.filter((name) => !names.has(name))).toEqual([]);
});

async function shortRun(entry: string): Promise<CheckReport> {
  const log = openEmbeddedLog({
    topics: new Map([
      [requestTopic, requestPartitions],
      [replyTopic, replyPartitions],
    ]),
  });
  const bridge = await bridgeOver(log, later);
  // Every request has two replies, of which the first one counts.
  for (let n = 0; n < 2; n++) {
    const responder = startLogResponder(log, { topics: [requestTopic], answerTo: replyTo });
    later(() => responder.stop());
  }
  const keys = principals.map((principal) => ({ principal, ...newApiKey({ principal }) }));
  const gateway = await startRestartableGateway(
    {
      entry,
      name: "hearback-chaos",
      variables: {
        ...credentialsFor(bridge.url),
        HEARBACK_OPERATOR_ACCESS: "open",
        [apiKeysSecret]: JSON.stringify(keys.map((key) => key.entry)),
        [timesVariable]: JSON.stringify(times),
      },
    },
    later,
  );
  const [tries, calls] = [inMemory<TryLine>(), inMemory<CallLine>()];
  const clients = startClients({
    url: gateway.url,
    seed: 1,
    rate: callsInAll,
    times,
    apiKeys: Object.fromEntries(keys.map(({ principal, key }) => [principal, key])) as Record<
      (typeof principals)[number],
      string
    >,
    longestStandstillMs: 500,
    tries,
    calls,
  });
  await expect.poll(() => clients.begun >= callsInAll, { timeout: 10_000 }).toBe(true);
  await clients.finish(10_000);
  const end = await readEnd(gateway, 10_000);
  const requests = (await wholeTopic(log, requestTopic, requestPartitions)).map(readRequestRecord);
  const replies = (await wholeTopic(log, replyTopic, replyPartitions)).map(readReplyRecord);
  const { plainMs: plain, keyedMs: keyed, asyncMs: async, retentionMs } = times;
  const topics = { requestTopic, replyTopic };
  const waitsMs = { plain, keyed, async };
  return judge({
    run: { seed: 1, minutes: 0, brokers: "", ...topics, waitsMs, retentionMs, commit: "" },
    tries: tries.lines,
    calls: calls.lines,
    faults: [],
    end,
    requests: requests.filter((record) => typeof record !== "string"),
    replies: replies.filter((record) => typeof record !== "string"),
    replyEnds: (await log.offsets("latest", partitionsOf(replyTopic, replyPartitions))).map(
      ({ offset }) => offset,
    ),
    unreadable: [...requests, ...replies].filter((record) => typeof record === "string"),
  });
}

/** What the responder of a chaos run says. */
function replyTo(_topic: string, body: string, { headers }: KafkaRecord): string {
  const { call } = JSON.parse(body) as { readonly call: string };
  const { sub } = JSON.parse(readHeader(headers, recordHeaders.principal) ?? "{}") as {
    readonly sub?: string;
  };
  const reply: ReplyBody = { call, principal: sub ?? "", nonce: randomUUID() };
  return JSON.stringify(reply);
}

function partitionsOf(topic: string, count: number) {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition, offset: 0 }));
}

async function wholeTopic(log: Log, topic: string, count: number): Promise<readonly RawRecord[]> {
  const records = await log.fetch(partitionsOf(topic, count), atOnce);
  const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString("utf8");
  return records.map(({ partition, offset, timestamp, headers, value }) => ({
    partition,
    offset,
    timestamp,
    headers: headers.map(({ key, value: bytes }) => [key, text(bytes)] as const),
    value: text(value),
  }));
}

function inMemory<Line>(): Journal<Line> & { readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  return { lines, write: (line) => void lines.push(line), close() {} };
}
