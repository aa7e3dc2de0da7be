// Every guarantee names tests that exist.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");

test("each guarantee's test is where docs/guarantees.md says", () => {
  const text = read("docs/guarantees.md").replace(/\s+/g, " ");
  const named = [...text.matchAll(/_([^_|]{20,})_ \(`(test\/[\w/.-]+)`\)/g)];
  expect(named.length).toBeGreaterThan(15);
  const missing = named
    .filter(([, title = "", file = ""]) => !read(file).includes(title))
    .map(([, title]) => title);
  expect(missing).toEqual([]);
});
