// The same work behind our own kit, attached to the cluster natively.

import { createResponder } from "../../responder/index.ts";
import { answerTo } from "../load/work.ts";
import { readPlace, readyLine } from "./command.ts";

const { brokers, requests, replies, group } = readPlace();
const responder = createResponder({
  kafka: { brokers },
  topic: requests,
  replyTopics: [replies],
  group,
  // Handlers that answer at once: what is counted as under way is replies on their way to Kafka.
  concurrency: 1_000,
  handler: (request) => ({ body: answerTo(request.text()), contentType: "application/json" }),
});
process.once("SIGTERM", () => responder.stop());
const running = responder.run();
console.log(readyLine);
await running;
process.exit(0);
