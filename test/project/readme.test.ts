// The README and the docstrings against the code: option tables, defaults, and what a newcomer is told to type.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { expect, test } from "vitest";
import { apiKeyUsage } from "../../dev/api-key/options.ts";
import { kafkaUsage } from "../../dev/kafka/options.ts";
import { usage as devUsage } from "../../dev/options.ts";
import { replayUsage } from "../../dev/replay/options.ts";
import { topicsUsage } from "../../dev/topics/options.ts";
import { sidecarUsage } from "../../sidecar/options.ts";
import { gatewaySchema, serviceSchema } from "../../worker/config/schema.ts";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");
const readme = read("README.md");
const source = read("worker/config/options.ts");

/** Options and defaults of a schema; undefined for a required one, null for an optional one without a value. */
function optionsOf(
  entries: Readonly<Record<string, v.GenericSchema>>,
): Map<string, string | null | undefined> {
  return new Map(
    Object.entries(entries).map(([name, schema]) => {
      if (schema.type !== "optional") return [name, undefined];
      const value = v.getDefault(schema);
      return [name, value === undefined ? null : JSON.stringify(value)];
    }),
  );
}

function tableAfter(heading: string): Map<string, { unit: string; shown: string }> {
  const [, rest = ""] = readme.split(heading);
  const rows = rest.split("\n").filter((line) => line.startsWith("|"));
  const end = rows.findIndex((line, at) => at > 0 && line.startsWith("| option"));
  return new Map(
    rows.slice(2, end === -1 ? undefined : end).flatMap((line) => {
      const [, option = "", unit = "", shown = ""] = line.split("|").map((cell) => cell.trim());
      return /^`\w+`$/.test(option) ? [[option.replaceAll("`", ""), { unit, shown }] as const] : [];
    }),
  );
}

function docstringDefault(option: string): string | undefined {
  const [, text = ""] =
    new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*readonly ${option}\\??:`).exec(source) ?? [];
  return /@default (.+)/.exec(text)?.[1]?.trim();
}

const { services: _, ...gatewayEntries } = gatewaySchema.entries;

test.each([
  ["Of a service:", serviceSchema.entries],
  ["Of the gateway, beside `services`:", gatewayEntries],
])("the README's table «%s» has every option with its default, and no other", (heading, entries) => {
  const options = optionsOf(entries);
  const table = tableAfter(heading);
  expect([...table.keys()]).toEqual([...options.keys()]);
  for (const [option, value] of options) {
    const shown = table.get(option)?.shown;
    if (value === undefined) expect(shown).toBe("required");
    else if (value === null) expect(shown).not.toMatch(/^`/);
    else expect(shown).toBe(`\`${value}\``);
  }
});

test.each([...optionsOf(serviceSchema.entries), ...optionsOf(gatewayEntries)])(
  "the docstring of %s names its default",
  (option, value) => {
    const documented = docstringDefault(option);
    if (value === undefined) expect(documented).toBeUndefined();
    else if (value === null) expect(documented).toBeTruthy();
    else expect(documented).toBe(value);
  },
);

test("every unit in the README's tables is the one in the option's name", () => {
  for (const heading of ["Of a service:", "Of the gateway, beside `services`:"]) {
    for (const [option, { unit }] of tableAfter(heading)) {
      if (option.endsWith("Ms")) expect(unit).toBe("ms");
      if (option.endsWith("Bytes")) expect(unit).toBe("bytes");
    }
  }
});

test.each([
  ["npm run dev", devUsage, ["--port", "--bridge-port", "--no-responders", "--state"]],
  ["npm run kafka", kafkaUsage, []],
  ["npm run topics", topicsUsage, []],
  ["npm run replay", replayUsage, []],
  ["npm run api-key", apiKeyUsage, []],
  ["npm run sidecar", sidecarUsage, []],
])(
  "the README's options of «%s» are those of its --help, with their defaults",
  (command, usage, elsewhere) => {
    const [, section = ""] = readme.split(new RegExp(`Options of \`${command}\`.*:\n`));
    const [table = ""] = section.trim().split("\n\n");
    const rows = table
      .split("\n")
      .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
    const shown = new Map(rows.slice(2).map(([, option = "", value = ""]) => [option, value]));
    const lines = [...usage.matchAll(/^ {2}(--[\w-]+(?: [A-Z|a-z]+)?) +(.*)$/gm)];
    const documented = lines.filter(([, option = ""]) => !elsewhere.includes(option.split(" ")[0] ?? ""));
    expect([...shown.keys()]).toEqual(documented.map(([, option]) => option));
    for (const [, option = "", text = ""] of documented) {
      const [, value] = /\(default ([\w.:/-]+)\)/.exec(text) ?? [];
      if (value !== undefined) expect(shown.get(option)).toBe(value);
    }
  },
);

test("the commands that the README names exist", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  for (const [, script = ""] of readme.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty(script);
});
