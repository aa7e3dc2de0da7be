// Answers `POST /predict`: a model behind a request topic. Prints its counts when it is stopped.

import { createResponder } from "../../responder/index.ts";
import { handlePredict } from "./handler.ts";

const responder = createResponder({
  kafka: {
    url: process.env["UPSTASH_KAFKA_REST_URL"] ?? "http://127.0.0.1:8790",
    username: process.env["UPSTASH_KAFKA_REST_USERNAME"] ?? "dev",
    password: process.env["UPSTASH_KAFKA_REST_PASSWORD"] ?? "dev",
  },
  topic: "inference.requests.v1",
  name: "predict-example",
  handler: handlePredict,
});

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => responder.stop());
console.log("answering inference.requests.v1");
await responder.run();
console.log(`stopped: ${JSON.stringify(responder.counts)}`);
// What is left are timers of the SDK for calls that have failed, for up to 15 s.
process.exit();
