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
for await (const { headers, key, value } of stream) {
  const partition = Number(
    headers.get(Buffer.from("X-Reply-Partition")) ?? header(headers, "X-Reply-Partition"),
  );
  const id = header(headers, "X-Correlation-ID");
  void producer.send({
    acks: -1,
    messages: [{ topic: replies, partition, key, value, headers: { "X-Correlation-ID": id } }],
  });
}

/** Header names come as bytes. */
function header(headers: Map<Buffer, Buffer>, name: string): string {
  for (const [key, value] of headers) if (key.toString() === name) return value.toString();
  return "";
}
