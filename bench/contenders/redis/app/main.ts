// A node of "Service A": takes requests over HTTP, produces them, polls the shared cache for their replies; and reads the
// reply topic and writes whatever comes there to the cache, whichever node it is for. Prints "ready" when both go.
// Started by ../index.ts, with its settings as JSON.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializer,
  stringSerializer,
} from "@platformatic/kafka";
import fastify from "fastify";
import { createClient, RESP_TYPES } from "redis";
import type { Settings } from "../settings.ts";
import { createReplyPoller } from "./reply-poller.ts";

const settings = JSON.parse(process.argv[2] ?? "") as Settings;
const { brokers, requests, replies, cacheUrl, timeoutMs, pollMs } = settings;
const node = `node-${process.pid}`;
const correlationHeader = "correlation-id";

const cache = createClient({ url: cacheUrl }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
cache.on("error", console.error);
await cache.connect();

const client = { clientId: node, bootstrapBrokers: brokers.split(",") };
const producer = new Producer<string, Buffer, string, string>({
  ...client,
  maxInflights: 64,
  serializers: {
    key: stringSerializer,
    value: (body) => body,
    headerKey: stringSerializer,
    headerValue: stringSerializer,
  },
});
const consumer = new Consumer<Buffer, Buffer, string, string>({
  ...client,
  groupId: "service-a",
  sessionTimeout: 10_000,
  heartbeatInterval: 1_000,
  deserializers: {
    key: (key) => key as Buffer,
    value: (value) => value as Buffer,
    headerKey: stringDeserializer,
    headerValue: stringDeserializer,
  },
});
const stream = await consumer.consume({
  topics: [replies],
  mode: MessagesStreamModes.LATEST,
  autocommit: 1_000,
});
stream.on("data", ({ headers, value }) => {
  const id = headers.get(correlationHeader);
  if (id !== undefined) cache.set(id, value, { PX: timeoutMs }).catch(console.error);
});
await once(stream, "offsets");

const awaitReply = createReplyPoller({
  read: (keys) => cache.mGet(keys),
  everyMs: pollMs,
  timeoutMs,
});

const server = fastify({ logger: false, forceCloseConnections: true });
server.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) => done(null, body));
server.post<{ Body: Buffer }>("/predict", async (request, answer) => {
  const id = `${node}:${randomUUID()}`;
  await producer.send({
    acks: ProduceAcks.ALL,
    messages: [{ topic: requests, key: id, value: request.body, headers: { [correlationHeader]: id } }],
  });
  const reply = await awaitReply(id);
  if (reply === undefined) return answer.code(503).type("text/plain").send("Gateway Timeout");
  return answer.type("application/json").send(reply);
});
await server.listen({ host: "127.0.0.1", port: settings.port });

process.once("SIGTERM", () => {
  // Out of the group at once: the next node must not wait until this one is taken for dead.
  void Promise.all([server.close(), consumer.close(true)]).finally(() => process.exit(0));
});
console.log("ready");
