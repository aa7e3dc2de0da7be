// The ring of a partition's newest records: what it covers, and what it may hold.

import { expect, test } from "vitest";
import { Ring } from "../../kafka/native/ring.ts";

const record = (offset: number, bytes = 1_000) => ({
  topic: "red",
  partition: 0,
  offset,
  timestamp: 0,
  key: null,
  value: new Uint8Array(bytes),
  headers: [],
});
const offsets = (ring: Ring, from: number) => Array.from(ring.from(from), (entry) => entry.record.offset);

test("gives the records from an offset on, over gaps, and knows where the next read goes on", () => {
  const ring = new Ring(5);
  ring.append([record(5), record(8)], 10, 1_000_000);
  expect([ring.base, ring.end]).toEqual([5, 10]);
  expect(offsets(ring, 5)).toEqual([5, 8]);
  expect(offsets(ring, 6)).toEqual([8]);
  expect(offsets(ring, 9)).toEqual([]);
});

test("drops the oldest beyond its bytes, covers no more than it has, and keeps the newest however large", () => {
  const ring = new Ring(0);
  ring.append(
    [0, 1, 2, 3].map((offset) => record(offset)),
    4,
    1_000_000,
  );
  const [before] = [ring.bytes];
  ring.append([], ring.end, before / 2);
  expect(offsets(ring, ring.base)).toEqual([2, 3]);
  expect(ring.base).toBe(2);
  expect(ring.bytes).toBe(before / 2);
  ring.append([record(4, 5_000_000)], 5, 1_000);
  expect(offsets(ring, ring.base)).toEqual([4]);
});
