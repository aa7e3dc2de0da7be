// Log lines that others could cause any number of.

import { expect, test } from "vitest";
import { SparseLog } from "../../protocol/index.ts";

test("there is one line a minute, and the next one says how many were withheld", () => {
  const log = new SparseLog();
  expect(log.line("a", 0)).toBe("hearback: a");
  expect([log.line("b", 1), log.line("c", 59_999)]).toEqual([undefined, undefined]);
  expect(log.line("d", 60_000)).toBe("hearback: d (and 2 more since the last such line)");
  expect(log.line("e", 120_000)).toBe("hearback: e");
});
