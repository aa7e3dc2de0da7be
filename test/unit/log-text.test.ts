// What others wrote, in a line of the log: it stays one line, and it stays short. Who writes such lines is looked after
// in test/project/log-lines.test.ts.

import { describe, expect, test } from "vitest";
import { logCause, logText } from "../../protocol/index.ts";

describe("text of others", () => {
  test.each([
    ["a\nhearback: all is well", "a\\nhearback: all is well"],
    ["a\r\nb\tc", "a\\r\\nb\\tc"],
    ["\u001b[2Jcleared", "\\u{1b}[2Jcleared"],
    ["a\u2028b\u2029c\u0085d", "a\\u{2028}b\\u{2029}c\\u{85}d"],
    ["\u202etxt.exe", "\\u{202e}txt.exe"],
    ["half \ud800", "half \\u{d800}"],
    ["Zürich, 東京, 🙂", "Zürich, 東京, 🙂"],
  ])("%j stands in a line as %j", (text, shown) => {
    expect(logText(text)).toBe(shown);
  });

  test("is cut, and says how long it was", () => {
    expect(logText("x".repeat(10_000))).toBe(`${"x".repeat(500)}… (10000 characters)`);
  });
});

describe("a cause", () => {
  test("is one line with its stack and what caused it", () => {
    const shown = logCause(new Error("first\nforged", { cause: new TypeError("second") }));
    expect(shown).toMatch(/^Error: first\\nforged\\n {4}at .*\\ncaused by: TypeError: second\\n/);
    expect(shown).not.toMatch(/[\n\r]/);
  });

  test.each([
    [undefined, "undefined"],
    [{ status: "late" }, '{"status":"late"}'],
    [7n, "7"],
    [{ n: 7n }, "a value that cannot be shown (object)"],
    [Symbol("s"), "Symbol(s)"],
  ])("that is no error is shown too: %s", (cause, shown) => {
    expect(logCause(cause)).toBe(shown);
  });

  test("that causes itself comes to an end", () => {
    const cause = new Error("round");
    cause.cause = cause;
    expect(logCause(cause).length).toBeLessThan(5_000);
  });
});
