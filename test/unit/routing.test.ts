// Which partition a request names, and which IDs may be used where it names none.

import { describe, expect, test, vi } from "vitest";
import { encodeText, importUuidKey, mintUuid, partitionForKey, verifyUuid } from "../../protocol/index.ts";
import { mintRouted, replyPartitionFor, type ReplyRoute } from "../../worker/exchange/routing.ts";

const route = (replyRouting: ReplyRoute["replyRouting"], replyPartitions: ReplyRoute["replyPartitions"]) => ({
  replyRouting,
  replyPartitions,
});
const never = () => {
  throw new Error("no ID is minted here");
};
const hexId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

/** Of 12 partitions, as two clients with the partitioner of Java have them. */
const vectors = [
  ["a", 4],
  ["550e8400-e29b-41d4-a716-446655440000", 11],
  ["user_1", 3],
  ["gateway-3-000001", 0],
] as const;

describe("the partition that a request names", () => {
  test.each(vectors)("[A9] for %s is %i of 12, as Java's partitioner has it", (id, partition) => {
    expect(replyPartitionFor(route("partition", 12), id)).toBe(partition);
  });

  test.each(vectors)("[A10] for %s is one of the owned ones, spread in the same way", (id, partition) => {
    const own = Array.from({ length: 12 }, (_, at) => at * 3 + 1);
    expect(replyPartitionFor(route("partition", { own, of: 36 }), id)).toBe(partition * 3 + 1);
    expect(replyPartitionFor(route("partition", { own: [3], of: 10 }), id)).toBe(3);
  });

  test("is none where the key decides, or everybody reads everything", () => {
    expect(replyPartitionFor(route("key", 3), "a")).toBeUndefined();
    expect(replyPartitionFor(route("key", { own: [3], of: 10 }), "a")).toBeUndefined();
    expect(replyPartitionFor(route("shared", 3), "a")).toBeUndefined();
  });
});

describe("[B6] minting an ID whose reply comes home by its key", () => {
  test.each(vectors)("takes %s at once where partition %i of 12 is owned", async (id, partition) => {
    expect(await mintRouted(route("key", { own: [partition], of: 12 }), id, never)).toBe(id);
  });

  test.each(vectors)("goes on from %s where partition %i of 12 is not owned", async (id, partition) => {
    const own = Array.from({ length: 12 }, (_, at) => at).filter((at) => at !== partition);
    const [other = "", otherPartition] = vectors.find(([, at]) => at !== partition) ?? [];
    expect(own).toContain(otherPartition);
    expect(await mintRouted(route("key", { own, of: 12 }), id, () => other)).toBe(other);
  });

  test("needs none where all partitions are owned, or the key does not decide", async () => {
    for (const each of [
      route("key", 12),
      route("shared", 12),
      route("partition", 12),
      route("partition", { own: [0], of: 12 }),
    ])
      expect(await mintRouted(each, "a", never)).toBe("a");
  });

  test("every minted ID, in hex or a UUID, hashes to an owned partition", async () => {
    const key = await importUuidKey("a secret of the tests that is long enough");
    const uuid = () => mintUuid(Date.now(), crypto.getRandomValues(new Uint8Array(6)), key);
    for (const owned of [
      { own: [3], of: 10 },
      { own: [0, 7, 11], of: 12 },
      { own: [0], of: 1 },
      { own: [99], of: 100 },
    ]) {
      for (let times = 0; times < 20; times++) {
        const ids = [
          await mintRouted(route("key", owned), hexId(), hexId),
          await mintRouted(route("key", owned), await uuid(), uuid),
        ] as const;
        for (const id of ids) expect(owned.own).toContain(partitionForKey(encodeText(id), owned.of));
        expect(await verifyUuid(ids[1] as Awaited<ReturnType<typeof uuid>>, key)).toBe(true);
      }
    }
  });

  test("ends with an error when no ID fits, however long it goes on", async () => {
    const mint = vi.fn(() => "a");
    await expect(mintRouted(route("key", { own: [5], of: 12 }), "a", mint)).rejects.toThrow(
      "none of 240 IDs",
    );
    expect(mint).toHaveBeenCalledTimes(239);
  });
});
