// The journals of a run, from its folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CallLine, EndFile, FaultLine, RunFile, TryLine } from "../journal.ts";

export function readJournals(folder: string) {
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  const lines = <Line>(name: string) =>
    text(name)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Line);
  return {
    run: JSON.parse(text("run.json")) as RunFile,
    end: JSON.parse(text("end.json")) as EndFile,
    tries: lines<TryLine>("clients.jsonl"),
    calls: lines<CallLine>("calls.jsonl"),
    faults: lines<FaultLine>("faults.jsonl"),
  };
}
