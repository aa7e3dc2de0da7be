// How much one answer holds, whatever the records are: their bytes are bounded, and so is what their JSON takes.

import { expect, test } from "vitest";
import { maxAnswerBytes } from "../../kafka/index.ts";
import { takeInTurn, type Entry } from "../../kafka/log/index.ts";
import { encodeText, recordBytes, toWireRecord, type KafkaRecord } from "../../protocol/index.ts";

const maxBytes = 4 * 1024 * 1024;

function* plenty(record: KafkaRecord): Generator<Entry, undefined> {
  for (let at = 0; at < 1_000_000; at++) yield { record, bytes: recordBytes(record) };
}

const empty: KafkaRecord = {
  topic: "t".repeat(249),
  partition: 1_000,
  offset: 2 ** 52,
  timestamp: 1_795_267_497_112,
  key: null,
  value: null,
  headers: [],
};
const header = (key: string) => ({ key, value: encodeText("") });
const many = <T>(one: T): T[] => Array.from({ length: 1_000 }, () => one);

test.each<[what: string, record: KafkaRecord]>([
  ["empty records", empty],
  ["records of an ID alone", { ...empty, key: encodeText("a".repeat(36)) }],
  ["records of a byte", { ...empty, value: encodeText("a") }],
  ["records of a kilobyte", { ...empty, value: encodeText("a".repeat(1_000)) }],
  ["headers without name and value", { ...empty, headers: many(header("")) }],
  ["headers with names that JSON escapes", { ...empty, headers: many(header("\u0001".repeat(100))) }],
])("%s fill an answer before their JSON is longer than a gateway reads", (_, record) => {
  const taken = takeInTurn([plenty(record)], maxBytes, 0);
  const json = encodeText(JSON.stringify(toWireRecord(record))).byteLength + 1;
  expect(taken.length).toBeGreaterThan(1);
  expect(taken.length * json).toBeLessThan(maxAnswerBytes.records);
  expect(taken.length * recordBytes(record)).toBeLessThanOrEqual(maxBytes);
});
