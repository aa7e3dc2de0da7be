// The log of its own in files: what is there again after a restart, whatever ended the process.

import { Buffer } from "node:buffer";
import { appendFile, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEmbeddedLog, openLogFiles, type EmbeddedLogOptions } from "../../bridge/index.ts";
import { encodeText, textHeader } from "../../protocol/index.ts";
import { appended, atOnce, recordOf, temporaryFolder } from "../support/bridge.ts";

const red = { topic: "red", partition: 0 };
const fromStart = [{ ...red, offset: 0 }];

function open(folder: string, options: EmbeddedLogOptions & { readonly segmentBytes?: number } = {}) {
  const { segmentBytes, ...rest } = options;
  const store = openLogFiles(folder, segmentBytes === undefined ? {} : { segmentBytes });
  return openEmbeddedLog({ store, ...rest });
}

async function segmentsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".log")).map((name) => join(folder, name));
}

/** As text: Node's Buffers and plain byte arrays hold the same bytes. */
function valuesOf(records: readonly { readonly value: Uint8Array | null }[]): string[] {
  return records.map(({ value }) => Buffer.from(value ?? []).toString());
}

test("a restart keeps records, offsets and the identity of the log", async () => {
  const folder = await temporaryFolder();
  const before = open(folder);
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const headers = [textHeader("ü", "1"), { key: "raw", value: bytes }, { key: "ü", value: new Uint8Array() }];
  await before.produce([
    { topic: "red", partition: 0, key: bytes, value: null, headers, timestamp: 1_700_000_000_123 },
    { topic: "red", partition: 0, key: null, value: new Uint8Array(), headers: [] },
  ]);
  const written = await before.fetch(fromStart, atOnce);
  const identity = await before.offsets("latest", [red]);
  await before.close();

  const after = open(folder);
  const plain = (records: typeof written) =>
    records.map(({ key, value, headers: read, ...rest }) => ({
      ...rest,
      key: key === null ? null : [...key],
      value: value === null ? null : [...value],
      headers: read.map((header) => [header.key, ...header.value]),
    }));
  expect(plain(await after.fetch(fromStart, atOnce))).toEqual(plain(written));
  expect(await after.offsets("latest", [red])).toEqual(identity);
  expect(appended((await after.produce([recordOf("red", "next")]))[0]).offset).toBe(2);
  await after.close();
});

test("a declared topic that gets more partitions keeps its records and its identity, and never gets fewer", async () => {
  const folder = await temporaryFolder();
  const before = open(folder, { topics: new Map([["red", 1]]) });
  await before.produce([recordOf("red", "x")]);
  const [identity] = await before.offsets("earliest", [red]);
  await before.close();
  const more = open(folder, { topics: new Map([["red", 4]]) });
  expect(await more.fetch(fromStart, atOnce)).toHaveLength(1);
  appended((await more.produce([{ ...recordOf("red", "y"), partition: 3 }]))[0]);
  await more.close();
  const fewer = open(folder, { topics: new Map([["red", 2]]) });
  expect(await fewer.topics()).toEqual(new Map([["red", 4]]));
  expect(await fewer.offsets("earliest", [red])).toEqual([identity]);
  expect(await fewer.fetch([{ topic: "red", partition: 3, offset: 0 }], atOnce)).toHaveLength(1);
  await fewer.close();
});

test.each([
  ["a frame cut short", async (path: string) => truncate(path, (await stat(path)).size - 1)],
  ["half a frame head", (path: string) => appendFile(path, Buffer.from([0, 0]))],
  [
    "a length with nothing behind it",
    (path: string) => appendFile(path, Buffer.from([0, 0, 1, 0, 9, 9, 9, 9])),
  ],
  ["bytes that fail their checksum", (path: string) => appendFile(path, Buffer.alloc(80, 1))],
  ["zeros", (path: string) => appendFile(path, Buffer.alloc(4_096))],
])("a torn tail is cut: %s", async (_, tear) => {
  const folder = await temporaryFolder();
  const before = open(folder);
  for (const value of ["first", "second", "third"]) await before.produce([recordOf("red", value)]);
  await before.close();
  const [path = ""] = await segmentsOf(folder);
  const whole = (await readFile(path)).length;
  await tear(path);
  const left = (await stat(path)).size < whole ? ["first", "second"] : ["first", "second", "third"];

  const after = open(folder);
  expect(valuesOf(await after.fetch(fromStart, atOnce))).toEqual(left);
  await after.produce([recordOf("red", "next")]);
  await after.close();
  const again = open(folder);
  expect(valuesOf(await again.fetch(fromStart, atOnce))).toEqual([...left, "next"]);
  await again.close();
});

test("what lies behind a broken frame does not come back behind a new one of the same length", async () => {
  const folder = await temporaryFolder();
  const before = open(folder);
  for (const value of ["first", "secnd", "third"]) await before.produce([recordOf("red", value)]);
  await before.close();
  const [path = ""] = await segmentsOf(folder);
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8((bytes.length * 2) / 3 - 1) ^ 1, (bytes.length * 2) / 3 - 1);
  await writeFile(path, bytes);

  const after = open(folder);
  await after.produce([recordOf("red", "newer")]);
  await after.close();
  const again = open(folder);
  expect(valuesOf(await again.fetch(fromStart, atOnce))).toEqual(["first", "newer"]);
  await again.close();
});

test("the files stay bounded, and a restart begins at the same earliest offset", async () => {
  const folder = await temporaryFolder();
  const options = { topics: new Map([["red", 1]]), retentionBytes: 50_000, segmentBytes: 10_000 };
  const before = open(folder, options);
  for (let n = 0; n < 2_000; n++) await before.produce([recordOf("red", String(n).padEnd(436))]);
  const [earliest] = await before.offsets("earliest", [red]);
  expect(earliest?.offset).toBe(1_900);
  await before.close();
  const sizes = await Promise.all((await segmentsOf(folder)).map(async (path) => (await stat(path)).size));
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(50_000 + 2 * 10_500);
  const after = open(folder, options);
  expect(await after.offsets("earliest", [red])).toEqual([earliest]);
  expect(appended((await after.produce([recordOf("red", "x")]))[0]).offset).toBe(2_000);
  await after.close();
});

test("a write that fails refuses its records and leaves nothing of them", async () => {
  const folder = await temporaryFolder();
  const files = openLogFiles(folder);
  let failing = false;
  const append: typeof files.append = (topic, partition, records) => {
    if (failing) throw new Error("ENOSPC");
    files.append(topic, partition, records);
  };
  const log = openEmbeddedLog({ store: { ...files, append } });
  await log.produce([recordOf("red", "before")]);
  failing = true;
  expect((await log.produce([recordOf("red", "lost")]))[0]).toMatchObject({
    why: "unavailable",
    retryAfter: 5,
  });
  failing = false;
  expect(appended((await log.produce([recordOf("red", "after")]))[0]).offset).toBe(1);
  expect(valuesOf(await log.fetch(fromStart, atOnce))).toEqual(["before", "after"]);
  await log.close();
});

test("a topics file that is no list of topics stops the start instead of hiding the log", async () => {
  const folder = await temporaryFolder();
  await appendFile(join(folder, "topics.json"), '[{"name":"red","id":"../..","partitions":1}]');
  expect(() => open(folder)).toThrow("topics.json");
});

test("a record comes back from its file as it was appended, whatever the length of its header names", async () => {
  const folder = await temporaryFolder();
  const before = open(folder);
  const header = textHeader("x".repeat(70_000), "v");
  await before.produce([{ ...recordOf("red", ""), value: encodeText("v"), headers: [header] }]);
  await before.close();
  const [found] = await open(folder).fetch(fromStart, atOnce);
  expect(found?.headers[0]?.key).toBe(header.key);
});
