// The responder of all contenders: the native client and nothing around it. Each request is answered as soon as it is
// read, and no reply waits for the one before.

import { Consumer, Producer, type MessageToProduce } from "@platformatic/kafka";
import { answerTo } from "../load/work.ts";
import { readPlace, readyLine } from "./command.ts";
import { replyPlaceOf } from "./dialects.ts";

const { brokers, requests, replies, group } = readPlace();
const options = { clientId: "bench-responder", bootstrapBrokers: [...brokers] };
const consumer = new Consumer({
  ...options,
  groupId: group,
  // A unit lets it stand still for 20 s and more; a group that took it for dead would have all answered twice.
  sessionTimeout: 45_000,
  heartbeatInterval: 1_000,
});
const producer = new Producer({ ...options, maxInflights: 64 });
const stream = await consumer.consume({
  topics: requests.split(","),
  mode: "committed",
  fallbackMode: "earliest",
  autocommit: 200,
  maxWaitTime: 500,
});

stream.on("data", ({ headerEntries, key, value }) => {
  const message: MessageToProduce = {
    ...replyPlaceOf(headerEntries, replies),
    key,
    value: Buffer.from(answerTo(value.toString())),
    headers: new Map(headerEntries),
  };
  producer.send({ acks: -1, messages: [message] }).catch((cause: unknown) => {
    console.error(`a reply was not taken: ${String(cause)}`);
  });
});
process.once("SIGTERM", () => {
  void stream
    .close()
    .then(() => Promise.all([consumer.close(true), producer.close()]))
    .then(() => process.exit(0));
});
console.log(readyLine);
