// The same client without the kit: what is consumed is produced, with the correlation ID and nothing else.
// `node bench/echo/bare.ts BROKER REQUESTS REPLIES`.

import { Consumer, Producer } from "@platformatic/kafka";

const [broker = "", topic = "", replies = ""] = process.argv.slice(2);
const options = { clientId: "bare", bootstrapBrokers: [broker] };
const consumer = new Consumer({
  ...options,
  groupId: `${topic}.bare`,
  sessionTimeout: 10_000,
  heartbeatInterval: 1_000,
});
const producer = new Producer({ ...options, maxInflights: 64 });
const stream = await consumer.consume({
  topics: [topic],
  mode: "committed",
  fallbackMode: "earliest",
  autocommit: 200,
  maxWaitTime: 500,
});
process.on("SIGTERM", () => {
  void stream.close().then(() => Promise.all([consumer.close(true), producer.close()]));
});
for await (const { headerEntries, key, value } of stream) {
  const header = (name: string): Buffer | undefined =>
    headerEntries.find(([each]) => each?.toString() === name)?.[1];
  const id = header("X-Correlation-ID") ?? Buffer.alloc(0);
  const headers = new Map([[Buffer.from("X-Correlation-ID"), id]]);
  const partition = Number(header("X-Reply-Partition"));
  void producer.send({ acks: -1, messages: [{ topic: replies, partition, key, value, headers }] });
}
