// docs/operations.md against itself: the figures of the sidecar's example are what its formula gives.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const text = readFileSync(fileURLToPath(new URL("../../docs/operations.md", import.meta.url)), "utf8");

/** Rows of the table that follows a sentence: what is counted, for gateways, for sidecars. */
function tableAfter(sentence: RegExp): readonly (readonly string[])[] {
  const [table = ""] = /^\|[^]*?(?=\n\n)/m.exec(text.slice(text.search(sentence))) ?? [];
  const rows = table.split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.slice(2);
}

test("[B14] how many reply topics, partitions, drains and fetches sidecars take is a formula, and its example is right", () => {
  const [example = ""] = /An example: .*\n?.*:/.exec(text) ?? [];
  const values = new Map(
    [...example.matchAll(/([SKRNBG]) = (\d+)/g)].map(([, name, value]) => [name, Number(value)]),
  );
  expect([...values.keys()].toSorted()).toEqual(["B", "G", "K", "N", "R", "S"]);
  const evaluate = (formula: string) =>
    formula.split(" × ").reduce((product, factor) => product * (values.get(factor) ?? Number(factor)), 1);
  const formulas = tableAfter(/against G\s+gateways that are deployed apart/);
  expect(formulas.map(([what]) => what)).toEqual([
    "reply topics",
    "reply partitions",
    "replicas of them on the brokers",
    "drains, each with one poll under way",
    "fetches that wait in the brokers",
  ]);
  expect(tableAfter(/An example: S =/)).toEqual(
    formulas.map(([what, gateways = "", sidecars = ""]) => [
      what,
      String(evaluate(gateways)),
      String(evaluate(sidecars)),
    ]),
  );
});
