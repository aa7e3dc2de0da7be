// The list of broken gateways: that it is complete, and true of the files. That each is caught takes a run.

import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { brokenGateways } from "./broken/index.ts";
import { rules } from "./checker/rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every broken gateway has its entry, and every entry is in the list", () => {
  const entries = globSync("test/chaos/broken/*.ts", { cwd: root, exclude: ["**/index.ts"] });
  expect(brokenGateways.map(({ entry }) => entry).toSorted()).toEqual(entries.toSorted());
});

test("every rule has a gateway that it must catch, and every gateway a rule", () => {
  const caught = new Set(brokenGateways.flatMap(({ caughtAs }) => caughtAs));
  expect([...caught].toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
  expect(brokenGateways.filter(({ caughtAs }) => caughtAs.length === 0)).toEqual([]);
});
