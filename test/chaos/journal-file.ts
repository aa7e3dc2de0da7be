// The files of a run's folder, as journal.ts says what is in them: written line by line, and read again.

import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { CallLine, EndFile, FaultLine, ResourceLine, RunFile, TryLine } from "./journal.ts";

interface Journals {
  readonly clients: TryLine;
  readonly calls: CallLine;
  readonly faults: FaultLine;
  readonly resources: ResourceLine;
}

interface Documents {
  readonly run: RunFile;
  readonly end: EndFile;
}

export interface Journal<Line> {
  /** In the file when it returns: a run that is cut off has lost nothing. */
  write(line: Line): void;
  close(): void;
}

export function openJournal<Name extends keyof Journals>(
  folder: string,
  name: Name,
): Journal<Journals[Name]> {
  const file = openSync(join(folder, `${name}.jsonl`), "w");
  return {
    write: (line) => void writeSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  };
}

export function readJournal<Name extends keyof Journals>(
  folder: string,
  name: Name,
): readonly Journals[Name][] {
  const path = join(folder, `${name}.jsonl`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Journals[Name]);
}

export function writeDocument<Name extends keyof Documents>(
  folder: string,
  name: Name,
  content: Documents[Name],
): void {
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(content, undefined, 2)}\n`);
}

export function readDocument<Name extends keyof Documents>(folder: string, name: Name): Documents[Name] {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Documents[Name];
}
