// The documents against each other and against what the code says once: links lead somewhere, and the tables of
// docs/protocol.md have every problem code and every operator path.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { problems } from "../../protocol/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(join(root, file), "utf8");
const inFolder = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(folder, file));
const documents = [
  ...["", "docs", "docs/adr"].flatMap(inFolder),
  "bridge/README.md",
  "responder/README.md",
  "examples/python/README.md",
];
const protocol = read("docs/protocol.md");

const withoutCode = (text: string) => text.replaceAll(/^ *```[^]*?^ *```/gm, "");

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

test.each(documents)("every link of %s leads to a file and a heading that are there", (document) => {
  const links = [...withoutCode(read(document)).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)];
  const broken = links
    .map(([, link = ""]) => link)
    .filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? document : normalize(join(dirname(document), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).has(anchor);
    });
  expect(broken).toEqual([]);
});

test("the protocol lists every problem code once, with its status", () => {
  const [, afterwards = ""] = protocol.split("\n### Errors\n");
  const [section = ""] = afterwards.split("\n## ");
  const rows = section.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const listed = rows.flatMap(([, codes = "", statuses = ""]) => {
    const said = statuses.match(/\d+/g) ?? [];
    // Codes that share a row share its status, or have one each.
    return [...codes.matchAll(/`(\w+)`/g)].map(([, code], at) => `${code} ${said[at] ?? said[0]}`);
  });
  const actual = Object.entries(problems).map(([code, { status }]) => `${code} ${status}`);
  expect(listed.toSorted()).toEqual(actual.toSorted());
});

test("the protocol lists every operator path", () => {
  const answered = [...read("worker/app.ts").matchAll(/answer\("(\w+)", "\/_hearback\/([^"]+)"/g)].map(
    ([, method, path = ""]) => `${method} ${path.replace(/:id\{.*?\}\}?/, "{id}")}`,
  );
  const listed = [...protocol.matchAll(/^\| `(\w+) …\/([^`?]+)/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  expect(answered.length).toBeGreaterThan(5);
  expect(listed.toSorted()).toEqual(answered.toSorted());
});
