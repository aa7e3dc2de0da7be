// The body that knows its attempts, by itself; with the SDK around it in test/bridge/upstash-kafka.test.ts.

import { expect, test } from "vitest";
import { limitAttempts } from "../../kafka/sdk-attempts.ts";

const attempt = (body: unknown) => JSON.stringify(body);

test("a body is sent as it is, spread into another or an array, and later attempts only before their time", () => {
  let now = 1_000;
  const { body } = limitAttempts({ topic: "red", value: "x" }, 2_000, () => now);
  const spread = Object.assign({ headers: [] }, body);
  expect(attempt(spread)).toBe('{"topic":"red","value":"x"}');
  now = 1_999;
  expect(attempt(spread)).toBe('{"topic":"red","value":"x"}');
  now = 2_000;
  expect(() => attempt(spread)).toThrow("too late");
  expect(attempt(limitAttempts([{ partition: 1 }], 0).body)).toBe('[{"partition":1}]');
});

test("the second attempt tells that the first has failed", async () => {
  const { body, failed } = limitAttempts({ topic: "red" }, 0);
  let told = false;
  void failed.then(() => (told = true));
  attempt(body);
  await Promise.resolve();
  expect(told).toBe(false);
  expect(() => attempt(body)).toThrow("too late");
  await failed;
  expect(told).toBe(true);
});
