import { createResponder } from "hearback/responder";

const responder = createResponder({
  kafka: {
    bridge: process.env["UPSTASH_KAFKA_REST_URL"] ?? "http://127.0.0.1:8790",
    username: "dev",
    password: "dev",
  },
  topic: "hello.requests",
  replyTopics: ["hello.replies"],
  handler: (request) => ({ body: `Hello, ${request.text()}`, contentType: "text/plain" }),
});
process.once("SIGTERM", () => responder.stop());
await responder.run();
