// An echo on the responder kit, in a process of its own: `node bench/echo/kit.ts BROKER REQUESTS REPLIES`.

import { createResponder } from "../../responder/index.ts";

const [broker = "", topic = "", replies = ""] = process.argv.slice(2);
const responder = createResponder({
  kafka: { brokers: [broker] },
  topic,
  replyTopics: [replies],
  concurrency: 1_000,
  handler: (request) => ({ body: request.body }),
});
process.on("SIGTERM", () => responder.stop());
await responder.run();
