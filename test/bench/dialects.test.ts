// Where the bench's responder answers to, as each contender says it.

import { expect, test } from "vitest";
import { replyPlaceOf, type Headers } from "../../bench/responder/dialects.ts";

const headers = (entries: readonly (readonly [string, string | Buffer])[]): Headers =>
  entries.map(([name, value]) => [Buffer.from(name), Buffer.from(value)]);

const binary = (partition: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(partition);
  return bytes;
};

test.each([
  ["Hearback", { "X-Reply-Topic": "replies", "X-Reply-Partition": "2" }, { topic: "replies", partition: 2 }],
  ["NestJS", { kafka_replyTopic: "replies", kafka_replyPartition: "1" }, { topic: "replies", partition: 1 }],
  [
    "Spring",
    { kafka_replyTopic: "replies", kafka_replyPartition: binary(2) },
    { topic: "replies", partition: 2 },
  ],
  ["a request without a partition", { kafka_replyTopic: "replies" }, { topic: "replies" }],
  ["a request without either", { "X-Correlation-ID": "1" }, { topic: "otherwise" }],
  [
    "four digits",
    { "X-Reply-Topic": "replies", "X-Reply-Partition": "1000" },
    { topic: "replies", partition: 1000 },
  ],
])("%s is answered where it wants", (_, given, place) => {
  expect(replyPlaceOf(headers(Object.entries(given)), "otherwise")).toEqual(place);
});
