// Answers `POST /predict`: a model behind a request topic. Prints its counts when it is stopped.

import { createResponder } from "../../responder/index.ts";
import { parsePredictRequest, predict } from "./model.ts";

const responder = createResponder({
  kafka: {
    url: process.env["UPSTASH_KAFKA_REST_URL"] ?? "http://127.0.0.1:8790",
    username: process.env["UPSTASH_KAFKA_REST_USERNAME"] ?? "dev",
    password: process.env["UPSTASH_KAFKA_REST_PASSWORD"] ?? "dev",
  },
  topic: "inference.requests.v1",
  name: "predict-example",
  async handler(request) {
    const input = parsePredictRequest(parseJson(request.text()));
    if (input === undefined) {
      return { status: 422, json: { error: "an id and a list of numbers as features are needed" } };
    }
    if (input.delay_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, input.delay_ms));
    return { json: predict(input, Date.now()) };
  },
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => responder.stop());
console.log("answering inference.requests.v1");
await responder.run();
console.log(`stopped: ${JSON.stringify(responder.counts)}`);
