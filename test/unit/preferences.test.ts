// What the gateway heeds of a Prefer header, by the grammar of RFC 7240, and what it says it has applied.

import { describe, expect, test } from "vitest";
import { preferenceApplied, readPreferences } from "../../worker/http/preferences.ts";

/** Header, whether it asks for 202 at once, and after how many seconds. */
const table: readonly (readonly [
  title: string,
  header: string | null,
  respondAsync: boolean,
  wait?: number,
])[] = [
  ["no header", null, false],
  ["an empty header", "", false],
  ["blanks only", " \t ", false],

  ["respond-async alone", "respond-async", true],
  ["wait alone", "wait=10", false, 10],
  ["both, separated by a comma", "respond-async, wait=10", true, 10],
  ["both the other way round", "wait=10, respond-async", true, 10],
  ["no blank after the comma", "respond-async,wait=10", true, 10],
  ["blanks and tabs around the comma", "respond-async \t,\t wait=10", true, 10],
  ["blanks around everything", "  respond-async  ,  wait=10  ", true, 10],
  ["zero seconds", "wait=0", false, 0],
  ["leading zeros", "wait=007", false, 7],

  ["names in capitals", "RESPOND-ASYNC, WAIT=10", true, 10],
  ["names in mixed case", "Respond-Async, Wait=10", true, 10],
  ["blanks around =", "wait = 10", false, 10],
  ["tabs around =", "wait\t=\t10", false, 10],

  ["a quoted number", 'wait="10"', false, 10],
  ["a quoted number after blanks", 'wait = "10"', false, 10],
  ["an escape within the quotes", String.raw`wait="1\0"`, false, 10],
  ["quoted blanks, which are no digits", 'wait=" 10 "', false],

  ["empty elements", ",, respond-async ,, wait=10 ,,", true, 10],
  ["an unknown preference before", "return=minimal, wait=10", false, 10],
  ["unknown preferences all around", "handling=lenient, respond-async, x-y, wait=3, z", true, 3],
  ["an unknown preference with commas in quotes", 'x="a, respond-async, b", wait=10', false, 10],
  ["an escaped quote before a comma", String.raw`x="a\", respond-async, \"", wait=10`, false, 10],
  ["an escaped backslash before the end of the quotes", String.raw`x="a\\", respond-async`, true],
  ["a preference that only begins as ours", "respond-asynchronously, waiting=10", false],

  ["the semicolon form, where wait is a parameter", "respond-async; wait=10", true],
  ["parameters of wait", "wait=10; x=1; y", false, 10],
  ["empty parameters", "wait=10;; ;, respond-async;", true, 10],
  ["a parameter with a comma and a semicolon in quotes", 'respond-async; x=", ;wait=1", wait=10', true, 10],
  ["a parameter named as a preference", "x; respond-async", false],
  ["blanks around the semicolon and the =", "respond-async ; x = 1 , wait=10", true, 10],

  ["several header lines, joined", "wait=10, respond-async, wait=20", true, 10],
  ["the first one, though its value makes no sense", "wait=abc, wait=10", false],
  ["the first one, though it has no value", "wait, wait=10", false],

  ["respond-async with an empty value", 'respond-async=""', true],
  ["respond-async with = and nothing", "respond-async=, wait=10", true, 10],
  ["respond-async with a value", "respond-async=false", false],
  ["wait without value", "wait, respond-async", true],
  ["wait with an empty value", 'wait="", respond-async', true],
  ["wait with = and nothing", "wait=, respond-async", true],
  ["a negative number", "wait=-1", false],
  ["a signed number", "wait=+1", false],
  ["a fraction", "wait=1.5", false],
  ["a word", "wait=abc", false],
  ["an exponent", "wait=1e3", false],
  ["hex", "wait=0x10", false],
  ["infinity", "wait=Infinity", false],
  ["digits of another script", "wait=١٠", false],
  ["a second too many to mean", "wait=2147483649", false, 2_147_483_648],
  ["a number beyond all numbers", `wait=${"9".repeat(400)}`, false, 2_147_483_648],

  ["a name missing before =", "=10, respond-async", true],
  ["two words without a comma", "wait=5 10, respond-async", true],
  ["what makes no sense does not count as the first", "wait=5 10, wait=7", false, 7],
  ["what makes no sense in a parameter", "wait=5; a b, wait=7", false, 7],
  ["text after the quotes", 'wait="5"5, respond-async', true],
  ["letters that no token has", "(wait=5), [x], respond-async", true],
  ["a quoted name", '"wait"=5, "a,respond-async", wait=7', false, 7],
  ["quotes without end", 'respond-async, x="abc, wait=10', true],
  ["quotes that end in a backslash", String.raw`respond-async, wait="10\ `, true],
  ["a lone quote", '"', false],
  ["names that every object has", "__proto__=1, constructor, toString, wait=10", false, 10],
  ["wait as a property of __proto__", "__proto__; wait=10", false],
];

describe("a Prefer header with", () => {
  for (const [title, header, respondAsync, waitSeconds] of table) {
    test(title, () => expect(readPreferences(header)).toEqual({ respondAsync, waitSeconds }));
  }

  test.each([
    ["10,000 commas", ",".repeat(10_000)],
    ["blanks", "wait=5 x".padStart(100_000)],
    ["blanks that lead nowhere", `x${" ".repeat(100_000)}x, `],
    ["open quotes", '"'.repeat(100_001)],
    ["pairs of quotes", 'x"" '.repeat(25_000)],
    ["backslashes", `x="${"\\".repeat(100_001)}`],
    ["escapes in open quotes", `x="${String.raw`ab\c`.repeat(25_000)}`],
    ["semicolons", `x${";".repeat(100_000)}`],
    ["equals signs", "=".repeat(100_000)],
    ["one long name", "x".repeat(100_000)],
  ])("%s is read in linear time, and what follows another comma is still there", (_, hostile) => {
    // Far more than one pass takes, and far less than the 10^10 steps of a quadratic reader.
    const startedAt = performance.now();
    readPreferences(hostile);
    expect(performance.now() - startedAt).toBeLessThan(500);
    if (!hostile.includes('"')) {
      expect(readPreferences(`${hostile}, respond-async`).respondAsync).toBe(true);
    }
  });
});

test.each([
  [true, 10, "respond-async, wait=10"],
  [true, undefined, "respond-async"],
  [false, 0, "wait=0"],
  [false, undefined, undefined],
])("what was applied (%s, %s) is told as %s", (respondAsync, waitSeconds, text) => {
  expect(preferenceApplied({ respondAsync, waitSeconds })).toBe(text);
});
