// Whose requests count together, and what becomes of them when nobody counts.

import { afterEach, expect, test, vi } from "vitest";
import { callerKey, clientAddress } from "../../worker/http/caller-key.ts";
import { isWithinRate } from "../../worker/http/rate-limit.ts";
import { SparseLog } from "../../protocol/index.ts";

afterEach(() => vi.restoreAllMocks());

test("callers count apart by principal and address, and no name of one is that of another", () => {
  const keys = [
    callerKey("me", "192.0.2.1"),
    callerKey("192.0.2.1", "192.0.2.1"),
    callerKey("", "192.0.2.1"),
    callerKey("", "192.0.2.2"),
    callerKey("", undefined),
    callerKey('address","192.0.2.1', undefined),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("a principal is the same one wherever it asks from, and an address is the platform's word", () => {
  expect(callerKey("me", "192.0.2.1")).toBe(callerKey("me", "192.0.2.2"));
  const headers = new Headers({ "CF-Connecting-IP": "192.0.2.1", "X-Forwarded-For": "192.0.2.9" });
  expect(clientAddress(headers)).toBe("192.0.2.1");
  expect(clientAddress(new Headers({ "X-Forwarded-For": "192.0.2.9" }))).toBeUndefined();
});

test.each([
  ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true],
  ["2001:db8:1:2::1", "2001:0DB8:0001:0002:0000:0000:0000:0003", true],
  ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
  ["2001:db8::1", "2001:db8:0:0:5::1", true],
  ["2001:db8::1", "2001:db8:0:1::1", false],
  ["::1", "::2", true],
  ["::ffff:192.0.2.1", "192.0.2.1", true],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
  ["192.0.2.1", "192.0.2.2", false],
])("anonymous callers at %s and %s count together: %s", (one, other, together) => {
  expect(callerKey("", one) === callerKey("", other)).toBe(together);
});

test("the binding is asked with the key, and its word stands", async () => {
  const limit = vi.fn(async ({ key }: { readonly key: string }) => ({ success: key === "good" }));
  expect(await isWithinRate({ limit }, "good", new SparseLog(), 0)).toBe(true);
  expect(await isWithinRate({ limit }, "over", new SparseLog(), 0)).toBe(false);
});

test.each([
  ["fails", async () => Promise.reject(new Error("down\nhearback: all is well"))],
  [
    "throws",
    () => {
      throw new Error("down\nhearback: all is well");
    },
  ],
])("a binding that %s lets everybody through, with one line of log a minute", async (_, limit) => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const log = new SparseLog();
  for (const now of [0, 1_000, 59_999, 60_000])
    expect(await isWithinRate({ limit }, "k", log, now)).toBe(true);
  expect(logged.mock.calls).toEqual([
    [
      String.raw`hearback: a rate limit cannot be asked, and lets everybody through: Error: down\nhearback: all is well`,
    ],
    [expect.stringContaining("(and 2 more since the last such line)")],
  ]);
});

test("a binding that does not answer lets everybody through after half a second", async () => {
  vi.useFakeTimers();
  try {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const asked = isWithinRate({ limit: () => new Promise(() => {}) }, "k", new SparseLog(), 0);
    await vi.advanceTimersByTimeAsync(500);
    expect(await asked).toBe(true);
    expect(logged.mock.calls[0]?.[0]).toContain("no answer in 500 ms");
  } finally {
    vi.useRealTimers();
  }
});
