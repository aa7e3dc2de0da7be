// Every defence names tests that exist, and the policy invents nobody to write to.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");
const page = read("docs/security.md");

test("each defence's test is where docs/security.md says", () => {
  const named = [
    ...page.replaceAll(/\s+/g, " ").matchAll(/_([^_|]{5,}(?:_\w+_[^_|]*)?)_ \(`(test\/[\w/.-]+)`\)/g),
  ];
  expect(named.length).toBeGreaterThan(40);
  const missing = named
    .filter(([, title = "", file = ""]) => !read(file).includes(title))
    .map(([, title, file]) => `${title} (${file})`);
  expect(missing).toEqual([]);
});

test("each threat has a defence and a test", () => {
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("|") && line.split("|").length === 7)
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, threat = ""]) => threat !== "threat" && !/^-+$/.test(threat));
  expect(rows.length).toBeGreaterThan(20);
  const bare = rows.filter(
    ([, , tries = "", defence = "", shown = ""]) =>
      tries === "" || defence === "" || !shown.includes("`test/"),
  );
  expect(bare.map(([, threat]) => threat)).toEqual([]);
});

test("the policy leads to private reporting, and to no address that nobody reads", () => {
  const policy = read("SECURITY.md");
  expect(policy).toContain("Report a vulnerability");
  expect(policy).not.toMatch(/\S+@\S+\.\S+/);
});
