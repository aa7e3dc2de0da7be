// docs/cost.md against the model: its tables are what `npm run cost` says today, and the numbers that are written by hand are
// those that it counts with.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { counts, retention, type Counts } from "../../dev/cost/counts.ts";
import { documentTables, withTables } from "../../dev/cost/document.ts";
import { readMeasured } from "../../dev/cost/measured.ts";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");
const text = read("docs/cost.md");

test("the tables of docs/cost.md are those of the model; `npm run cost -- --write` writes them anew", () => {
  expect(text).toBe(withTables(text, documentTables(readMeasured())));
});

test("what docs/cost.md says an exchange takes is what the model counts with", () => {
  const [, section = ""] = text.split("\n## What is counted\n");
  const row = (name: string) => {
    const line = section.split("\n").find((each) => each.startsWith(`| ${name} `)) ?? "";
    return (line.match(/(?<=\| +)[\d–]+(?= \|)/g) ?? []).map((cell) => (cell === "–" ? 0 : Number(cell)));
  };
  const columns = [
    counts.plain.held,
    counts.plain.parked,
    counts.durable.held,
    counts.durable.parked,
    counts.async.held,
  ];
  const each = (what: keyof Counts) => columns.map((column) => column[what]);
  const atTheEnd = (what: keyof Counts) => [0, 0, retention[what], retention[what], retention[what]];
  expect(row("Worker requests")).toEqual(each("workerRequests"));
  expect(row("object requests, up to the answer")).toEqual(each("objectRequests"));
  expect(row("rows written, up to the answer")).toEqual(each("rowsWritten"));
  expect(row("at the end of retention: requests")).toEqual(atTheEnd("objectRequests"));
  expect(row("at the end of retention: rows")).toEqual(atTheEnd("rowsWritten"));
});
