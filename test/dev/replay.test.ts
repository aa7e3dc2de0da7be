// `npm run replay` without a bridge: what belongs to an exchange, how far back is read, what is shown.

import { expect, test } from "vitest";
import { readCredentials } from "../../dev/replay/credentials.ts";
import { belongsTo, windowStarts } from "../../dev/replay/matches.ts";
import { parseReplayOptions } from "../../dev/replay/options.ts";
import { searchLog } from "../../dev/replay/search.ts";
import { printExchange, showBytes, showExchange } from "../../dev/replay/show.ts";
import type { KafkaPort, LogPosition } from "../../kafka/index.ts";
import { encodeText, textHeader, type KafkaRecord } from "../../protocol/index.ts";

const id = "a5".repeat(32);
const now = 1_795_000_000_000;

const recordAt = (topic: string, offset: number, changes: Partial<KafkaRecord> = {}): KafkaRecord => ({
  topic,
  partition: 0,
  offset,
  timestamp: now - 1_000 + offset,
  key: null,
  value: encodeText("body"),
  headers: [textHeader("X-Correlation-ID", id)],
  ...changes,
});
const other = { headers: [textHeader("X-Correlation-ID", "b6".repeat(32))] };

/** A log of one partition per topic. `fetched` sees every position that is read from. */
function logOf(
  records: readonly KafkaRecord[],
  ends: Readonly<Record<string, number>> = {},
  fetched: (position: LogPosition) => void = () => undefined,
): KafkaPort {
  const topics = [...new Set([...records.map(({ topic }) => topic), ...Object.keys(ends)])];
  const read = <T>(value: T) => Promise.resolve({ status: "read", value } as const);
  const of = (topic: string) => records.filter((record) => record.topic === topic);
  const endOf = (topic: string) => ends[topic] ?? (of(topic).at(-1)?.offset ?? -1) + 1;
  return {
    produce: () => Promise.reject(new Error("a replay produces nothing")),
    groupState: () => Promise.reject(new Error("a replay asks for no group")),
    topics: () => read(new Map(topics.map((topic) => [topic, 1]))),
    offsets: (query, partitions) =>
      read(
        partitions.map(({ topic, partition }) => {
          const first =
            query === "latest"
              ? undefined
              : of(topic).find(({ timestamp }) => query === "earliest" || timestamp >= query);
          return { topic, partition, offset: first?.offset ?? endOf(topic), log: "" };
        }),
      ),
    fetch: (positions) => {
      positions.forEach(fetched);
      return read(
        positions.flatMap(({ topic, offset }) =>
          of(topic)
            .filter((record) => record.offset >= offset)
            .slice(0, 2),
        ),
      );
    },
  };
}

const search = (kafka: KafkaPort, sinceMs = 86_400_000) =>
  searchLog(kafka, { id, requestTopics: ["ask"], replyTopics: ["told"], sinceMs }, now, () => undefined);
const placesOf = (records: readonly KafkaRecord[]) =>
  records.map(({ topic, offset }) => `${topic}/${offset}`);

test("a record belongs to the exchange that its header names, or without one its key; case is no matter", () => {
  const named = (headers: KafkaRecord["headers"], key: string | null) =>
    belongsTo(id, { headers, key: key === null ? null : encodeText(key) });
  expect(named([textHeader("x-correlation-id", id.toUpperCase())], null)).toBe(true);
  expect(named([], id)).toBe(true);
  expect(named(other.headers, id)).toBe(false);
  expect(named([], null)).toBe(false);
  expect(named([textHeader("kafka_correlationId", id)], "ada")).toBe(true);
});

test("the log is read in stretches that grow, newest first, exactly as far back as was asked", () => {
  expect(windowStarts(now, 3_600_000).map((start) => now - start)).toEqual([
    60_000, 360_000, 2_160_000, 3_600_000,
  ]);
  expect(windowStarts(now, 30_000).map((start) => now - start)).toEqual([30_000]);
});

test("every attempt and every reply is found among others, over as many answers as it takes", async () => {
  const kafka = logOf([
    ...[0, 1, 2, 3, 4].map((offset) => recordAt("ask", offset, offset === 1 || offset === 4 ? {} : other)),
    ...[5, 6, 7].map((offset) => recordAt("told", offset, offset === 6 ? other : {})),
  ]);
  const found = await search(kafka);
  expect([placesOf(found.requests), placesOf(found.replies)]).toEqual([
    ["ask/1", "ask/4"],
    ["told/5", "told/7"],
  ]);
  expect([found.searched, found.omitted, found.absent]).toEqual([8, 0, []]);
});

test("nothing older is read once the request is found", async () => {
  const positions: LogPosition[] = [];
  const old = { ...other, timestamp: now - 3_600_000 };
  const kafka = logOf(
    [recordAt("ask", 0, old), recordAt("ask", 1, old), recordAt("ask", 2)],
    { told: 0 },
    (position) => positions.push(position),
  );
  expect(placesOf((await search(kafka)).requests)).toEqual(["ask/2"]);
  expect(positions.map(({ offset }) => offset)).toEqual([2]);
});

test("an ID that is nowhere is looked for to the end and no further", async () => {
  const old = { timestamp: now - 7_200_000 };
  const kafka = logOf([recordAt("ask", 0, old), recordAt("ask", 1, { ...other, timestamp: now - 1 })], {
    told: 0,
  });
  expect(await search(kafka, 3_600_000)).toMatchObject({ requests: [], replies: [], searched: 1 });
  expect(placesOf((await search(kafka)).requests)).toEqual(["ask/0"]);
});

test("offsets that hold no record, as transactions leave them, do not stop the search", async () => {
  const kafka = logOf([recordAt("ask", 3)], { ask: 9, told: 4 });
  expect(placesOf((await search(kafka)).requests)).toEqual(["ask/3"]);
});

test("a reply is found on the topic that its request names, even if the config does not know it", async () => {
  const headers = [...recordAt("ask", 0).headers, textHeader("X-Reply-Topic", "told.sidecar")];
  const kafka = logOf([recordAt("ask", 0, { headers }), recordAt("told.sidecar", 7)]);
  const found = await search(kafka);
  expect([placesOf(found.replies), found.absent]).toEqual([["told.sidecar/7"], ["told"]]);
});

test("what it keeps is bounded; the rest is counted", async () => {
  const large = new Uint8Array(1_000_000);
  const replies = Array.from({ length: 40 }, (_, offset) => recordAt("told", offset, { value: large }));
  const { replies: kept, omitted } = await search(logOf([recordAt("ask", 0), ...replies]));
  expect([kept.length, omitted]).toEqual([33, 7]);
});

test("a bridge that does not answer is an error in words, after a few attempts", async () => {
  let asked = 0;
  const topics: KafkaPort["topics"] = () => {
    asked++;
    return Promise.resolve({ status: "unreachable", cause: new Error("the bridge answered 401") });
  };
  await expect(search({ ...logOf([]), topics })).rejects.toThrow("the bridge answered 401");
  expect(asked).toBe(3);
});

test.each([
  ["grüße\r\n\tfrom 🌍", { encoding: "text", value: "grüße\r\n\tfrom 🌍", bytes: 19 }],
  ["", { encoding: "text", value: "", bytes: 0 }],
  ["\u001b[2J", { encoding: "base64", value: "G1sySg==", bytes: 4 }],
  ["over\rwritten", { encoding: "base64", value: "b3Zlcg13cml0dGVu", bytes: 12 }],
  [Uint8Array.of(0xff, 0x00), { encoding: "base64", value: "/wA=", bytes: 2 }],
] as const)("%j is shown so that a terminal takes no harm and no byte is lost", (bytes, shown) => {
  expect(showBytes(typeof bytes === "string" ? encodeText(bytes) : bytes)).toEqual(shown);
});

test("a reply is timed from the newest request before it", () => {
  const exchange = {
    requests: [recordAt("ask", 0, { timestamp: 1_000 }), recordAt("ask", 1, { timestamp: 3_000 })],
    replies: [recordAt("told", 0, { timestamp: 2_500 }), recordAt("told", 1, { timestamp: 3_004 })],
    omitted: 0,
  };
  expect(showExchange(id, exchange).replies.map(({ afterMs }) => afterMs)).toEqual([1_500, 4]);
});

test("an exchange is printed with everything that is in its records", () => {
  const request = recordAt("ask", 7, {
    timestamp: now,
    key: encodeText("user-1"),
    headers: [textHeader("X-Http-Path", "/ask"), { key: "raw", value: Uint8Array.of(0) }],
    value: encodeText('{\n"a":1}'),
  });
  const reply = recordAt("told", 3, { timestamp: now + 12, headers: [], value: null });
  expect(printExchange(showExchange(id, { requests: [request], replies: [reply], omitted: 2 }))).toBe(
    `request: ask, partition 0, offset 7
  time: 2026-11-18T11:06:40.000Z
  key: user-1
  headers:
    X-Http-Path: /ask
    raw: base64 AA==
  body: 8 bytes, text
    {
    "a":1}

reply: told, partition 0, offset 3
  time: 2026-11-18T11:06:40.012Z, 12 ms after the request
  key: none
  headers:
  body: none

2 more records, not kept for want of room`,
  );
});

test.each([
  [[], "one correlation ID is needed"],
  [["a", "b"], "one correlation ID is needed"],
  [["a", "--since", "yesterday"], '--since: received "yesterday"; must be a number with s, m, h or d'],
  [["a", "--since", "0h"], '--since: received "0h"'],
])("the arguments %j are refused in one sentence", (args, message) => {
  expect(parseReplayOptions(args)).toEqual({ kind: "wrong", message: expect.stringContaining(message) });
});

test("the search goes back a day, or as far as is said", () => {
  const sinceOf = (...args: string[]) => {
    const parsed = parseReplayOptions(["a", ...args]);
    return parsed.kind === "run" ? parsed.options.sinceMs : undefined;
  };
  expect([sinceOf(), sinceOf("--since", "90s"), sinceOf("--since", "7d")]).toEqual([
    86_400_000, 90_000, 604_800_000,
  ]);
});

test("the bridge is the one of the environment, else of .dev.vars, else of npm run dev", () => {
  const written = "UPSTASH_KAFKA_REST_URL=http://written:1\nUPSTASH_KAFKA_REST_PASSWORD='of file'\n";
  expect(readCredentials({}, "")).toEqual({
    url: "http://127.0.0.1:8790",
    username: "dev",
    password: "dev",
  });
  expect(readCredentials({ UPSTASH_KAFKA_REST_URL: "http://named:2" }, written)).toEqual({
    url: "http://named:2",
    username: "dev",
    password: "of file",
  });
  expect(() => readCredentials({ UPSTASH_KAFKA_REST_URL: "bridge" })).toThrow(
    'UPSTASH_KAFKA_REST_URL: "bridge" is not a URL',
  );
});
