// How large URL and headers of a request may be.

import { describe, expect, test } from "vitest";
import { brokenLimit } from "../../worker/http/limits.ts";

const limits = { urlBytes: 300, headerCount: 10, headerBytes: 1_024 };
const plain = { url: "https://gateway.test/a", headers: new Headers() };

describe("a URL is measured by path and query, without the host", () => {
  test.each([
    ["https://a-host-whose-name-does-not-count.test", 300, undefined],
    ["https://gateway.test", 301, "uri_too_long"],
    ["http://127.0.0.1:8787", 301, "uri_too_long"],
  ])("%s and %i bytes: %s", (origin, bytes, code) => {
    const request = { ...plain, url: `${origin}/a?b=`.padEnd(origin.length + bytes, "c") };
    expect(brokenLimit(request, limits)?.code).toBe(code);
  });
});

describe("headers are measured by number and by the bytes of names and values", () => {
  test.each([
    [10, undefined],
    [11, "headers_too_large"],
  ])("%i of them: %s", (count, code) => {
    const headers = new Headers(Array.from({ length: count }, (_, at) => [`x-${at}`, "1"]));
    expect(brokenLimit({ ...plain, headers }, limits)?.code).toBe(code);
  });

  test.each([
    ["x".repeat(1_020), undefined],
    ["x".repeat(1_021), "headers_too_large"],
    // Two bytes each.
    ["é".repeat(510), undefined],
    ["é".repeat(511), "headers_too_large"],
  ])("a name of 4 bytes and a value like %.5s: %s", (value, code) => {
    const headers = new Map([["x-it", value]]) as unknown as Headers;
    expect(brokenLimit({ ...plain, headers }, limits)?.code).toBe(code);
  });
});

test("the client is told which limit it is, and how much there may be", () => {
  const headers = new Headers({ "x-much": "x".repeat(2_000) });
  expect(brokenLimit({ ...plain, headers }, limits)?.detail).toBe("at most 1024 bytes of names and values");
});
