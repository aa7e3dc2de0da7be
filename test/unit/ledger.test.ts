// The books of the drain: what each service got, and that a verdict which is missing or given twice shows.

import { describe, expect, test } from "vitest";
import type { QueuedReply } from "../../consumer/delivery-queue.ts";
import {
  attribute,
  countRead,
  countVerdict,
  isBalanced,
  noCounts,
  restoreCounts,
  sumOfServices,
  type PartitionCounts,
} from "../../consumer/ledger.ts";
import { ReplyPartitions, type StoredPartition } from "../../consumer/partitions.ts";
import { drainVerdicts, encodeText, textHeader, type KafkaRecord } from "../../protocol/index.ts";

/** Partition 0 of one topic, and what it gave to the queue. `offsets` are read at once, each for a waiter of its own. */
async function partitionWith(offsets: readonly number[], stored: readonly StoredPartition[] = []) {
  const queued: QueuedReply[] = [];
  const partitions = new ReplyPartitions(
    {
      waiterIdOf: async (id) => id,
      enqueue: (_, reply) => queued.push(reply),
      deadLetter: () => {},
      progressed: () => {},
    },
    stored,
  );
  if (stored.length === 0) partitions.place({ topic: "replies", partition: 0 }, { log: "L", offset: 0 });
  await partitions.take(offsets.map(replyAt), 0);
  return { partitions, queued };
}

function replyAt(offset: number): KafkaRecord {
  const id = offset.toString(16).padStart(64, "0");
  const headers = [textHeader("X-Correlation-ID", id)];
  return { topic: "replies", partition: 0, offset, timestamp: 0, key: null, value: encodeText("b"), headers };
}

function storedWith(counts: PartitionCounts): StoredPartition {
  return { topic: "replies", partition: 0, position: { log: "L", offset: 9 }, counts };
}

describe("counts per service", () => {
  test("services that share a topic are counted apart, and the unnamed in the partition's verdicts alone", async () => {
    const { partitions, queued } = await partitionWith([0, 1, 2, 3]);
    queued[0]?.settle("accepted", "orders");
    queued[1]?.settle("late", "orders");
    queued[2]?.settle("accepted", "prices");
    queued[3]?.settle("accepted");
    expect(partitions.ledger()).toMatchObject([
      {
        verdicts: { accepted: 3, late: 1 },
        byService: { orders: { accepted: 1, late: 1 }, prices: { accepted: 1 } },
      },
    ]);
    expect(partitions.unbalanced()).toEqual([]);
  });

  test("what is stored of them is found again, and a row from before there were any is read as it was meant", async () => {
    const { partitions, queued } = await partitionWith([0]);
    queued[0]?.settle("accepted", "orders");
    const again = await partitionWith([], partitions.stored());
    expect(again.partitions.ledger()).toEqual(partitions.ledger());
    const before: Partial<PartitionCounts> = {
      read: 1,
      verdicts: { ...noCounts.verdicts, late: 1 },
      resets: 2,
    };
    expect(restoreCounts(before)).toEqual({ ...before, byService: {} });
  });

  test("a service that has its topic for itself gets what nobody could name, and none of several does", () => {
    const verdicts = { ...noCounts.verdicts, accepted: 5, unknown: 1 };
    const byService = { orders: { accepted: 3 }, retired: { accepted: 1 } };
    expect(attribute(verdicts, byService, ["orders"])).toEqual({
      orders: { accepted: 4, unknown: 1 },
      retired: { accepted: 1 },
    });
    expect(attribute(verdicts, byService, ["orders", "prices"])).toBe(byService);
    expect(attribute(verdicts, byService, [])).toBe(byService);
  });

  test("over partitions they are summed by service and verdict", () => {
    const list = [{ orders: { accepted: 3 } }, { orders: { accepted: 1, late: 1 }, prices: { held: 1 } }, {}];
    expect(sumOfServices(list)).toEqual({ orders: { accepted: 4, late: 1 }, prices: { held: 1 } });
  });
});

describe("the books balance", () => {
  test("while replies are on their way, come out of order and settle, also of a log that was lost", async () => {
    const { partitions, queued } = await partitionWith([0, 1, 2]);
    const inFlight = () => partitions.ledger()[0]?.inFlight;
    expect([inFlight(), partitions.unbalanced()]).toEqual([3, []]);
    queued[1]?.settle("late", "orders");
    partitions.place({ topic: "replies", partition: 0 }, { log: "L2", offset: 0 });
    partitions.place({ topic: "replies", partition: 0 }, { log: "L3", offset: 0 });
    await partitions.take([replyAt(0)], 0);
    expect([inFlight(), partitions.unbalanced()]).toEqual([3, []]);
    for (const reply of [queued[0], queued[2], queued[3]]) reply?.settle("accepted");
    expect([inFlight(), partitions.unbalanced()]).toEqual([0, []]);
  });

  test("not when a reply gets two verdicts", async () => {
    const { partitions, queued } = await partitionWith([0, 1]);
    queued[0]?.settle("accepted");
    expect(partitions.unbalanced()).toEqual([]);
    queued[0]?.settle("accepted");
    expect(partitions.unbalanced()).toEqual(["replies/0"]);
  });

  test("not when a reply that is no longer in flight has none", async () => {
    const counts = countVerdict(countRead(countRead(noCounts)), "accepted");
    const { partitions } = await partitionWith([], [storedWith(counts)]);
    expect(partitions.unbalanced()).toEqual(["replies/0"]);
    expect([isBalanced(counts, 1), isBalanced(counts, 0), isBalanced(counts, 2)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.each(drainVerdicts)("not when a service has more %s replies than its partition", (verdict) => {
    const counts = countVerdict(countRead(noCounts), verdict, "orders");
    expect(isBalanced(counts, 0)).toBe(true);
    const twice = { orders: { [verdict]: 1 }, prices: { [verdict]: 1 } };
    expect(isBalanced({ ...counts, byService: twice }, 0)).toBe(false);
  });
});
