// Log lines that others could cause any number of.

import { expect, test } from "vitest";
import { quoted, SparseLog } from "../../worker/sparse-log.ts";

test("there is one line a minute, and the next one says how many were withheld", () => {
  const log = new SparseLog();
  expect(log.line("a", 0)).toBe("hearback: a");
  expect([log.line("b", 1), log.line("c", 59_999)]).toEqual([undefined, undefined]);
  expect(log.line("d", 60_000)).toBe("hearback: d (and 2 more since the last such line)");
  expect(log.line("e", 120_000)).toBe("hearback: e");
});

test.each([
  ["a line end", "a\nb\rc", String.raw`"a\nb\rc"`],
  ["an escape sequence", "\u001b[2J", String.raw`"\u001b[2J"`],
  [
    "line ends of Unicode, and C1 controls",
    "\u2028\u2029\u0085\u009b",
    String.raw`"\u2028\u2029\u0085\u009b"`,
  ],
  ["a lone surrogate", "\ud800", String.raw`"\ud800"`],
  ["a quote", 'a"b', String.raw`"a\"b"`],
])("what somebody else wrote stays on its line: %s", (_, text, shown) => {
  expect(quoted(text)).toBe(shown);
});

test("and is cut", () => {
  expect(quoted("x".repeat(301))).toBe(`"${"x".repeat(300)}…"`);
});
