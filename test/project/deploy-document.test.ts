// docs/deploy.md against what it names: commands, options, files, secrets, and the sums that follow from prices.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { usage } from "../../bridge/settings.ts";

const root = new URL("../../", import.meta.url);
const exists = (file: string, base: URL = root) => existsSync(fileURLToPath(new URL(file, base)));
const read = (file: string) => readFileSync(fileURLToPath(new URL(file, root)), "utf8");
const text = read("docs/deploy.md");
const matches = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

test("every npm script, configuration and file that it names is there", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  for (const script of matches(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty(script);
  const configs = matches(/-c (\S+\.toml)/g);
  expect(new Set(configs)).toEqual(new Set(["consumer/wrangler.toml", "worker/wrangler.toml"]));
  for (const file of configs) expect(exists(file)).toBe(true);
  for (const link of matches(/\]\((?!https:|#)([^)#]+)/g)) {
    expect([link, exists(link, new URL("docs/", root))]).toEqual([link, true]);
  }
});

test("every option that it gives to the bridge is one of the bridge's", () => {
  const commands = matches(/(hearback-bridge(?: credential| --| \\)[^`]*)/g).join("\n");
  const options = [...commands.matchAll(/ (--[\w-]+)/g)].map(([, option = ""]) => option);
  expect(new Set(options).size).toBeGreaterThan(4);
  for (const option of options)
    expect(usage).toMatch(new RegExp(`^ *(?:hearback-bridge .*)?${option}\\b`, "m"));
});

test("it sets every secret that the gateway cannot do without, and the operator token", () => {
  const [, required = ""] = /const secrets = \[([^\]]+)\]/.exec(read("worker/env.ts")) ?? [];
  const names = [...required.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(2);
  expect(matches(/^ +npx wrangler secret put (\w+)/gm)).toEqual([...names, "HEARBACK_OPERATOR_TOKEN"]);
});

test("the costs are the prices times what a request takes", () => {
  const row = (name: string) =>
    (text.split("\n").find((line) => line.startsWith(`| ${name}`)) ?? "").match(/\$[\d.]+(?= +\|)/g) ?? [];
  const dollars = (...amounts: readonly number[]) => amounts.map((amount) => `$${amount.toFixed(2)}`);
  // The waits of both columns, in billed seconds: held for half a second, and in the handlers of a park.
  const [held, parked] = [12.5 * 0.128 * 0.5, 12.5 * 0.128 * 0.02];
  expect(row("object requests   ")).toEqual(dollars(2 * 0.15, 2 * 0.15));
  expect(row("duration, $1.60")).toEqual(dollars(held, parked));
  expect(row("rows, $1.00")).toEqual(dollars(0, 2));
  expect(row("together")).toEqual(dollars(0.3 + 2 * 0.15 + held, 0.3 + 2 * 0.15 + parked + 2));
});
