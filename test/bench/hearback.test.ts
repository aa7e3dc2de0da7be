// What of Hearback as a contender can be told without starting it: who owns which partition, and books as one.

import { expect, test } from "vitest";
import { sumOfLedgers } from "../../bench/contenders/hearback/ledger.ts";
import { ownedBy, withOwnPartitions } from "../../bench/contenders/hearback/partitions.ts";

test.each([
  [1, 3],
  [2, 3],
  [3, 3],
  [3, 10],
])("%i gateways own each of %i partitions once", (count, partitions) => {
  const owned = Array.from({ length: count }, (_, index) => ownedBy(index, count, partitions));
  expect(owned.every((each) => each.length > 0)).toBe(true);
  expect(owned.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, at) => at));
});

test("more gateways than partitions are refused", () => {
  expect(() => ownedBy(0, 4, 3)).toThrow(RangeError);
});

test("a service that names its reply partitions keeps them", () => {
  const service = { route: "POST /x", requestTopic: "a", replyTopic: "b" };
  const options = { services: { named: { ...service, replyPartitions: 1 }, other: service } };
  const partitionsOf = (count: number) =>
    Object.values(withOwnPartitions(options, { index: 0, count, partitions: 3 }).services).map(
      ({ replyPartitions }) => replyPartitions,
    );
  expect(partitionsOf(1)).toEqual([1, 3]);
  expect(partitionsOf(2)).toEqual([1, { own: [0, 2], of: 3 }]);
});

test("the books of all partitions of all gateways are added up", () => {
  const partition = { read: 3, inFlight: 1, verdicts: { accepted: 2, late: 0 } };
  expect(
    sumOfLedgers([
      { partitions: [partition, partition] },
      { partitions: [{ ...partition, verdicts: { late: 2 } }] },
    ]),
  ).toEqual({ read: 9, inFlight: 3, verdicts: { accepted: 4, late: 2 } });
});
